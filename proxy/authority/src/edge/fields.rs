//! A strict body: an object of named fields, as JSON or as a form.
//!
//! Fields nobody asked for are ignored, because front ends written for other servers send them; a name sent twice is refused. No answer repeats a value:
//! the value may be a password in the wrong place.

use std::collections::BTreeMap;
use std::fmt;

use axum::extract::{FromRequest, Request};
use http::{StatusCode, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use secrecy::SecretString;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use tenantry_rules::email::Email;
use tenantry_rules::names::NameError;

use crate::problem::Problem;

/// The longest body that is read, in bytes.
pub const MAX_BODY: usize = 64 * 1024;

/// The fields of a body, not yet checked.
#[derive(Default)]
pub struct Fields(BTreeMap<String, Value>);

/// What can be made of a body's fields.
pub trait FromFields: Sized {
    /// Takes the fields it needs, or names the first one that is missing or wrong (422).
    fn from_fields(fields: &mut Fields) -> Result<Self, Problem>;
}

impl Fields {
    /// A text that must be there, with surrounding space cut off.
    pub fn text(&mut self, name: &'static str) -> Result<String, Problem> {
        self.take(name)?.map(|v| v.trim().to_owned()).ok_or_else(|| missing(name))
    }

    /// A text that may be missing or null.
    pub fn optional_text(&mut self, name: &'static str) -> Result<Option<String>, Problem> {
        Ok(self.take(name)?.map(|v| v.trim().to_owned()))
    }

    /// A password or token: as sent, no space cut off.
    pub fn secret(&mut self, name: &'static str) -> Result<SecretString, Problem> {
        self.take(name)?.map(SecretString::from).ok_or_else(|| missing(name))
    }

    /// As `secret`, but may be missing or null.
    pub fn optional_secret(&mut self, name: &'static str) -> Result<Option<SecretString>, Problem> {
        Ok(self.take(name)?.map(SecretString::from))
    }

    /// True or false, where it was sent.
    pub fn optional_flag(&mut self, name: &'static str) -> Result<Option<bool>, Problem> {
        match self.0.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(flag)),
            Some(_) => {
                Err(Problem::invalid_field(name, format!("The field `{name}` must be true or false.")))
            }
        }
    }

    /// An e-mail address that must be there.
    pub fn email(&mut self, name: &'static str) -> Result<Email, Problem> {
        let text = self.text(name)?;
        Email::parse(&text).map_err(|why| {
            Problem::invalid_field(name, format!("The field `{name}` is no e-mail address: {why}."))
        })
    }

    /// A name that must be there, as `parse` takes it.
    pub fn name<T>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, NameError>,
    ) -> Result<T, Problem> {
        let text = self.text(name)?;
        parse(&text)
            .map_err(|why| Problem::invalid_field(name, format!("The field `{name}` must have {why}.")))
    }

    fn take(&mut self, name: &'static str) -> Result<Option<String>, Problem> {
        match self.0.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if text.contains('\0') => Err(Problem::invalid_field(
                name,
                format!("The field `{name}` contains a character that is not allowed."),
            )),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Problem::invalid_field(name, format!("The field `{name}` must be a text."))),
        }
    }
}

fn missing(name: &'static str) -> Problem {
    Problem::invalid_field(name, format!("The field `{name}` is missing."))
}

/// A JSON body (`application/json`, at most 64 KiB).
pub struct JsonBody<T>(pub T);

/// A form body (`application/x-www-form-urlencoded`, at most 64 KiB).
pub struct FormBody<T>(pub T);

impl<S: Send + Sync, T: FromFields> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let body = read(request, "application/json").await?;
        let mut fields: Fields = serde_json::from_slice(&body).map_err(|error| {
            // serde's own words repeat what was sent; its position does not.
            let detail = if error.is_data() {
                "The body must be a JSON object in which each field is named once.".to_owned()
            } else {
                format!("The body is not valid JSON (line {}, column {}).", error.line(), error.column())
            };
            Problem::bad_request("invalid_json", detail)
        })?;
        T::from_fields(&mut fields).map(Self)
    }
}

impl<S: Send + Sync, T: FromFields> FromRequest<S> for FormBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let body = read(request, "application/x-www-form-urlencoded").await?;
        let mut fields = Fields::default();
        for (name, value) in url::form_urlencoded::parse(&body) {
            if fields.0.insert(name.into_owned(), Value::String(value.into_owned())).is_some() {
                return Err(Problem::bad_request("invalid_form", "The form names a field twice."));
            }
        }
        T::from_fields(&mut fields).map(Self)
    }
}

async fn read(request: Request, media_type: &'static str) -> Result<bytes::Bytes, Problem> {
    let sent = request.headers().get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let essence = sent.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case(media_type) || request.headers().contains_key(header::CONTENT_ENCODING) {
        let detail = format!("Send the body as {media_type}, without a content encoding.");
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail));
    }
    match Limited::new(request.into_body(), MAX_BODY).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "body_too_large",
            "The body is longer than 64 KiB.",
        )),
        Err(_) => Err(Problem::bad_request("body_unreadable", "The body ended early.")),
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Fields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields = BTreeMap::new();
                while let Some((name, value)) = map.next_entry::<String, Value>()? {
                    if fields.insert(name, value).is_some() {
                        return Err(serde::de::Error::custom("a field is named twice"));
                    }
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

#[cfg(test)]
mod tests;
