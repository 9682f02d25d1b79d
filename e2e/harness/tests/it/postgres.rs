use std::{
    io::{BufRead, BufReader},
    net::TcpStream,
    process::{Command, Stdio},
    time::{Duration, Instant},
};
use tenantry_harness::Postgres;

fn is_gone(port: u16) -> bool {
    let until = Instant::now() + Duration::from_secs(10);
    while Instant::now() < until {
        if TcpStream::connect(("127.0.0.1", port)).is_err() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    false
}

#[tokio::test]
async fn it_speaks_tls_only_and_stops_when_it_is_dropped() {
    let server = Postgres::start().await.unwrap();
    let port = server.port();
    assert_eq!(server.psql("select ssl from pg_stat_ssl where pid = pg_backend_pid()").await.unwrap(), "t");

    let plain = server.url().replace("verify-full", "disable");
    let output = Command::new("psql").args(["-d", &plain, "-c", "select 1"]).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("no encryption"), "{output:?}");

    drop(server);
    assert!(is_gone(port));
}

#[tokio::test]
async fn databases_on_one_server_are_private_to_their_test() {
    let server = Postgres::shared().await.unwrap();
    let (one, other) = (server.create_database().await.unwrap(), server.create_database().await.unwrap());
    one.psql("create table mine (id int)").await.unwrap();
    assert!(other.psql("select * from mine").await.unwrap_err().to_string().contains("does not exist"));
}

#[tokio::test]
async fn a_stopped_server_refuses_connections_and_comes_back_with_what_was_committed() {
    let server = Postgres::start().await.unwrap();
    server.psql("create table kept (id int); insert into kept values (7)").await.unwrap();
    let port = server.port();
    server.stop().await.unwrap();
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
    assert!(server.psql("select 1").await.is_err());
    server.stop().await.unwrap();
    server.start_again().await.unwrap();
    server.start_again().await.unwrap();
    assert_eq!((server.port(), server.psql("select id from kept").await.unwrap()), (port, "7".to_owned()));
}

/// Run by the test below in a process of its own, which is then killed.
#[tokio::test]
#[ignore = "started by the_server_stops_when_the_test_process_is_killed"]
async fn hold_a_server_until_killed() {
    let server = Postgres::start().await.unwrap();
    println!("port={}", server.port());
    std::future::pending::<()>().await;
}

#[test]
fn the_server_stops_when_the_test_process_is_killed() {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--nocapture", "--exact", "postgres::hold_a_server_until_killed"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let port = lines
        .map_while(Result::ok)
        .find_map(|line| line.split("port=").nth(1).and_then(|port| port.trim().parse().ok()))
        .unwrap();
    assert!(TcpStream::connect(("127.0.0.1", port)).is_ok());
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(is_gone(port));
}
