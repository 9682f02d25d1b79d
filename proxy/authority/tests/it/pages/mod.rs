//! The pages as a person without JavaScript meets them: `entry` the ways in, `account` what members find.

mod account;
mod entry;

use reqwest::{Method, StatusCode};

use crate::world::{Answer, World};

const ORIGIN: &str = "https://tenantry.localhost:8443";
const JOINED: &str = "lantern-birch-quartz-17";

/// A browser: it keeps cookies and sends its origin.
struct Browser<'a> {
    world: &'a World,
    cookie: String,
}

impl<'a> Browser<'a> {
    fn new(world: &'a World) -> Self {
        Self { world, cookie: String::new() }
    }

    async fn signed_in(world: &'a World, email: &str, password: &str) -> Self {
        let mut browser = Self::new(world);
        let answer = browser.post("/-/login", &[("email", email), ("password", password)]).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
        browser
    }

    async fn get(&self, path: &str) -> Answer {
        self.world.send(self.world.request(Method::GET, path).header("cookie", &self.cookie)).await
    }

    async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body = fields.iter().map(|(name, value)| format!("{name}={}", percent(value)));
        let request = self
            .world
            .request(Method::POST, path)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("origin", ORIGIN)
            .header("cookie", &self.cookie)
            .body(body.collect::<Vec<_>>().join("&"));
        let answer = self.world.send(request).await;
        let set: Vec<&str> =
            answer.headers.get_all("set-cookie").iter().map(|line| line.to_str().unwrap()).collect();
        if !set.is_empty() {
            let pairs = set.iter().filter(|line| !line.contains("Max-Age=0"));
            self.cookie = pairs.map(|line| line.split(';').next().unwrap()).collect::<Vec<_>>().join("; ");
        }
        answer
    }

    /// Invites, and returns the secret of the link on the page.
    async fn invite(&mut self, email: &str) -> String {
        let page = self
            .post("/-/account/invite", &[("email", email), ("full_name", "Ann Other"), ("role", "viewer")])
            .await;
        assert_eq!(page.status, StatusCode::OK, "{page:?}");
        let after = html(&page).split_once("/-/accept-invite#").expect("the link is on the page").1;
        after.split('"').next().unwrap().to_owned()
    }
}

fn percent(text: &str) -> String {
    text.bytes().fold(String::new(), |all, byte| format!("{all}%{byte:02x}"))
}

fn html(answer: &Answer) -> &str {
    assert_eq!(answer.headers["content-type"], "text/html; charset=utf-8", "{answer:?}");
    answer.body.as_str().unwrap()
}

fn location(answer: &Answer) -> &str {
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
    answer.headers["location"].to_str().unwrap()
}

/// The start tags of this element, attributes and all.
fn tags<'a>(page: &'a str, element: &str) -> Vec<&'a str> {
    let start = format!("<{element} ");
    page.match_indices(&start).map(|(at, _)| page[at..].split_once('>').unwrap().0).collect()
}

fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    tag.split_once(&format!(" {name}=\""))?.1.split('"').next()
}

async fn registered() -> World {
    let world = World::new().await;
    world.register("mini corp").await;
    world
}
