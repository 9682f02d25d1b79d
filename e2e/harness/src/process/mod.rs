//! Programs that a test starts, held so that none of them outlives it.
//!
//! A [`Watchdog`] owns a folder and the programs working in it; [`free_port`] and [`random_password`] are what their
//! configuration needs, [`built`] and [`find`] say where a program is, [`run`] asks one on the command line, and [`PartError`] says what went wrong with any of them.

mod error;
mod watchdog;

pub use error::PartError;
pub use watchdog::Watchdog;

use std::{
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

const ATTEMPTS: u32 = 5;
/// How often a part that is coming up is looked at.
const GLANCE: Duration = Duration::from_millis(50);

/// A port of 127.0.0.1 that is free, and that the system gives to nobody else for a minute.
///
/// A connection to it was made and ended by this side first, so that the port is in TIME-WAIT (RFC 9293 3.3.2): whoever binds it by its
/// number may have it (servers set `SO_REUSEADDR`), whoever asks for any port, or connects from any, gets another.
pub fn free_port() -> io::Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let mut client = TcpStream::connect(address)?;
    let (server, _) = listener.accept()?;
    drop(server);
    // Its end has come, and only then is the other side's sent.
    client.read_to_end(&mut Vec::new())?;
    Ok(address.port())
}

/// Starts something that binds free ports, again where one was taken between looking and binding; more than a few such losses
/// are another fault.
pub fn on_free_ports<T>(mut start: impl FnMut() -> Result<T, PartError>) -> Result<T, PartError> {
    let mut attempt = 1;
    loop {
        match start() {
            Err(error) if error.lost_a_port() && attempt < ATTEMPTS => attempt += 1,
            other => return other,
        }
    }
}

/// 128 random bits in hexadecimal.
pub fn random_password() -> io::Result<String> {
    let mut bytes = [0_u8; 16];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}

/// Runs `command` to its end off the runtime's threads, writing `input` to it, and returns what it printed; a failure
/// is [`PartError::Command`] with its standard error.
pub async fn run(mut command: Command, input: String) -> Result<String, PartError> {
    tokio::task::spawn_blocking(move || {
        let program = PathBuf::from(command.get_program());
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(PartError::io(&program))?;
        // Written by a thread, as the program may print more than a pipe holds before it has read everything.
        let stdin = child.stdin.take();
        let writer = std::thread::spawn(move || stdin.map(|mut stdin| stdin.write_all(input.as_bytes())));
        let output = child.wait_with_output().map_err(PartError::io(&program))?;
        // What a program does not read is its own affair: its exit status tells.
        drop(writer.join());
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let name = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Err(PartError::Command { name, stderr: String::from_utf8_lossy(&output.stderr).trim().to_owned() })
    })
    .await
    .map_err(|_| PartError::Cancelled)?
}

/// Runs what would block the runtime, such as waiting for a program, on a thread of its own.
pub async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, PartError> + Send + 'static,
) -> Result<T, PartError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| PartError::Cancelled)?
}

/// Whether something accepts connections on a port of 127.0.0.1.
pub fn accepts(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).is_ok()
}

/// Looks until `done`, for at most `limit`; tells whether it came true.
pub fn wait_until(limit: Duration, mut done: impl FnMut() -> bool) -> bool {
    let until = Instant::now() + limit;
    loop {
        if done() {
            return true;
        }
        if Instant::now() >= until {
            return false;
        }
        std::thread::sleep(GLANCE);
    }
}

/// A program of this workspace, where cargo put it beside the running test. It has to be built before: for a test, cargo
/// builds the programs of its own package only.
pub fn built(program: &str) -> Result<PathBuf, PartError> {
    let test = std::env::current_exe().map_err(PartError::io("the running test"))?;
    test.ancestors()
        .skip(1)
        .take(2)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
        .ok_or_else(|| PartError::NotInstalled {
            program: program.to_owned(),
            remedy: "build it with: cargo build, in the test's profile",
        })
}

/// The first of the folders on the `PATH` and Debian's system folders that holds `program`.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let system = ["/usr/sbin", "/usr/bin", "/sbin"].map(PathBuf::from);
    std::env::split_paths(&path).chain(system).map(|folder| folder.join(program)).find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_tool_is_given_its_input_and_told_by_its_output_or_its_complaint() {
        let input = "line\n".repeat(50_000);
        assert_eq!(run(Command::new("cat"), input.clone()).await.unwrap(), input);
        assert_eq!(run(Command::new("true"), input).await.unwrap(), "");
        let mut missing = Command::new("cat");
        missing.arg("/nowhere");
        let error = run(missing, String::new()).await.unwrap_err().to_string();
        assert!(error.starts_with("cat: ") && error.contains("/nowhere"), "{error}");
    }

    #[test]
    fn a_program_that_was_not_built_is_told_with_what_to_do() {
        let error = built("no-such-program").unwrap_err().to_string();
        assert_eq!(error, "no-such-program not found; build it with: cargo build, in the test's profile");
    }

    #[test]
    fn ports_are_free_and_passwords_differ() {
        let port = free_port().unwrap();
        assert!(!accepts(port));
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        assert!(accepts(listener.local_addr().unwrap().port()));
        assert_ne!(random_password().unwrap(), random_password().unwrap());
    }
}
