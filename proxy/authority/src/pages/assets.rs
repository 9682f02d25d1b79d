//! What the pages load, kept in the binary. The address carries a digest of the content, so that it may be kept for good.

use std::sync::LazyLock;

use aws_lc_rs::digest;
use axum::extract::Path;
use axum::response::{IntoResponse as _, Response};
use http::header;

use crate::problem::Problem;

/// One file.
pub(super) struct Asset {
    name: &'static str,
    media_type: &'static str,
    body: &'static str,
    path: LazyLock<String>,
}

impl Asset {
    const fn new(
        name: &'static str,
        media_type: &'static str,
        body: &'static str,
        path: fn() -> String,
    ) -> Self {
        Self { name, media_type, body, path: LazyLock::new(path) }
    }

    /// Its address.
    pub fn path(&self) -> &str {
        &self.path
    }
}

fn address(name: &str, body: &str) -> String {
    let digest = digest::digest(&digest::SHA256, body.as_bytes());
    format!("/-/assets/{name}?v={}", hex::encode(&digest.as_ref()[..6]))
}

const STYLE_BODY: &str = include_str!("assets/style.css");
const SCRIPT_BODY: &str = include_str!("assets/pages.js");
const MARK_BODY: &str = include_str!("assets/mark.svg");

pub(super) static STYLE: Asset =
    Asset::new("style.css", "text/css; charset=utf-8", STYLE_BODY, || address("style.css", STYLE_BODY));
pub(super) static SCRIPT: Asset =
    Asset::new("pages.js", "text/javascript; charset=utf-8", SCRIPT_BODY, || {
        address("pages.js", SCRIPT_BODY)
    });
pub(super) static MARK: Asset =
    Asset::new("mark.svg", "image/svg+xml", MARK_BODY, || address("mark.svg", MARK_BODY));

/// Answers with the file of this name.
pub(super) async fn answer(Path(name): Path<String>) -> Result<Response, Problem> {
    let asset = [&STYLE, &SCRIPT, &MARK]
        .into_iter()
        .find(|asset| asset.name == name)
        .ok_or_else(Problem::not_found)?;
    let headers = [
        (header::CONTENT_TYPE, asset.media_type),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    Ok((headers, asset.body).into_response())
}
