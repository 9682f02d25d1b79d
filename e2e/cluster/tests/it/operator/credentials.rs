//! Where the operator gets credentials for AWS from in a cluster: a role of its service account (IRSA), or an identity of its pod (EKS).

use std::net::SocketAddr;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::world::{Wanted, World};
use crate::server::{header, serve};

const ROLE: &str = "arn:aws:iam::123456789012:role/tenantry";
const TOKEN: &str = "a-token-of-the-service-account";

/// A world whose operator has these variables and no key of its own.
async fn without_keys(variables: impl Fn(&World) -> Vec<(&'static str, String)>) -> World {
    let world = World::start(Wanted { vault: true, ..Wanted::default() }).await;
    world.kill();
    let mut command = Command::new(world.command.get_program());
    command.args(world.command.get_args());
    let kept = world.command.get_envs().filter_map(|(name, value)| Some((name, value?)));
    command.envs(
        kept.filter(|(name, _)| {
            !["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"].iter().any(|key| name == key)
        }),
    );
    command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
    command.envs(variables(&world));
    world.operator.start("operator", &command).unwrap();
    world
}

fn token_of(world: &World) -> String {
    let file = world.operator.write("token", TOKEN).unwrap();
    file.display().to_string()
}

async fn keeps_its_entries(world: &World, asked: &AtomicUsize) {
    world.backend("").await;
    world.ready("backend/app").await;
    world.reason("backend/app", "AwsSecretsReady", "Complete").await;
    assert!(world.vault.as_ref().unwrap().secret("tenantry/app").await.unwrap().is_some());
    assert!(asked.load(Ordering::Relaxed) > 0, "nobody was asked for credentials");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_of_the_service_account_is_taken() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let sts: SocketAddr = serve(move |request| {
        let body = request.split("\r\n\r\n").nth(1).unwrap_or_default();
        let is_right = body.contains("Action=AssumeRoleWithWebIdentity")
            && body.contains(&format!("WebIdentityToken={TOKEN}"))
            && body.contains("RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Ftenantry");
        count.fetch_add(usize::from(is_right), Ordering::Relaxed);
        let credentials = if is_right {
            "<Credentials><AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>\
             <SessionToken>session</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>"
        } else {
            ""
        };
        let answer = format!(
            "<AssumeRoleWithWebIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
             <AssumeRoleWithWebIdentityResult>{credentials}</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>"
        );
        ("text/xml", answer)
    })
    .await;
    let world = without_keys(|world| {
        vec![
            ("AWS_ROLE_ARN", ROLE.to_owned()),
            ("AWS_WEB_IDENTITY_TOKEN_FILE", token_of(world)),
            ("AWS_REGION", "us-east-1".to_owned()),
            ("AWS_ENDPOINT_URL_STS", format!("http://{sts}")),
        ]
    })
    .await;
    keeps_its_entries(&world, &asked).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identity_of_the_pod_is_taken() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let agent: SocketAddr = serve(move |request| {
        let is_right = request.starts_with("GET /v1/credentials") && header(request, "authorization") == TOKEN;
        count.fetch_add(usize::from(is_right), Ordering::Relaxed);
        let credentials = r#"{"AccessKeyId":"ASIAPOD","SecretAccessKey":"secret","Token":"session","Expiration":"2099-01-01T00:00:00Z"}"#;
        ("application/json", if is_right { credentials.to_owned() } else { "{}".to_owned() })
    })
    .await;
    let world = without_keys(|world| {
        vec![
            ("AWS_CONTAINER_CREDENTIALS_FULL_URI", format!("http://{agent}/v1/credentials")),
            ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", token_of(world)),
        ]
    })
    .await;
    keeps_its_entries(&world, &asked).await;
}
