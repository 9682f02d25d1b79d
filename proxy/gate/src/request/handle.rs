//! One request, from its head to the head of its answer. Nothing here takes a lock or calls anybody before it is sent on.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use http::header::{self, HeaderName};
use http::request::Parts;
use http::{HeaderValue, Request, Response, StatusCode, Uri, Version};
use hyper::body::Incoming;
use tenantry_directory::stream::Known;
use tenantry_directory::{Access, Freshness};

use super::cache::Entry;
use super::context::Context;
use super::credential::{self, ACCESS_COOKIE, Credential};
use super::own::{Whose, whose};
use super::refusal::Refusal;
use super::{Client, cors, identity, respond, strip, target, verify};
use crate::body::{ClientBody, GateBody, Lease};
use crate::connection::InFlight;
use crate::shared::Phase;
use crate::upstream::{Patience, To, UpstreamError, send};
use crate::worker::Worker;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const GATE: HeaderName = HeaderName::from_static("x-tenantry-gate");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// Answers a request, whatever it is.
pub(crate) async fn handle(
    worker: Rc<Worker>,
    client: Client,
    request: Request<Incoming>,
    in_flight: InFlight,
) -> Response<GateBody> {
    let started = Instant::now();
    let (parts, body) = request.into_parts();
    let mut response = match Context::new(worker.shared.known(), client, &parts) {
        Some(context) => respond_to(&worker, context, parts, body).await,
        None => {
            worker.shared.metrics.refused("no_randomness");
            respond::refusal(None, Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "no_randomness"))
        }
    };
    if !client.http2 && *worker.shared.phase.borrow() != Phase::Serving {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response.body_mut().hold(in_flight);
    worker.shared.metrics.duration.observe(started.elapsed().as_secs_f64());
    response
}

async fn respond_to(
    worker: &Rc<Worker>,
    mut context: Context,
    parts: Parts,
    body: Incoming,
) -> Response<GateBody> {
    let method = parts.method.clone();
    let outcome = decide(worker, &mut context, parts, body).await;
    let mut response = match outcome {
        Ok(response) => response,
        Err(refusal) => {
            worker.shared.metrics.refused(refusal.reason);
            worker.shared.metrics.answered_here.inc();
            let path = context.target.split('?').next().unwrap_or_default();
            tracing::info!(reason = refusal.reason, status = refusal.status.as_u16(), %method, path,
                peer = %context.address, request_id = ?context.request_id, "refused");
            let mut response = respond::refusal(Some(&context), refusal);
            cors::expose(&context, response.headers_mut());
            response
        }
    };
    let headers = response.headers_mut();
    if context.is_own {
        cors::expose(&context, headers);
    } else if context.by_cookie {
        headers.append(header::VARY, HeaderValue::from_static("Cookie"));
        if !headers.contains_key(header::CACHE_CONTROL) {
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private"));
        }
    }
    headers.insert(REQUEST_ID, context.request_id);
    response
}

async fn decide(
    worker: &Rc<Worker>,
    context: &mut Context,
    parts: Parts,
    body: Incoming,
) -> Result<Response<GateBody>, Refusal> {
    let most_headers = context.backend().map_or(usize::MAX, |backend| backend.limits.header_count);
    context.host = target::check(&parts, context.client, most_headers)?;
    context.has_cookie = has_our_cookie(&parts);
    let path = parts.uri.path();
    let whose = whose(path);
    if whose == Whose::Health {
        worker.shared.metrics.answered_here.inc();
        return Ok(health(worker, context));
    }
    let Some(known) = context.known.clone() else {
        return Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "no_directory"));
    };
    let backend = &known.view.backend;
    let decision =
        backend.routes.decide(parts.method.as_str(), path).map_err(|why| Refusal::unclear(why.reason()))?;
    match whose {
        Whose::Internal => return Err(Refusal::not_found("internal_path")),
        Whose::Nobody if decision.route.is_none() => return Err(Refusal::not_found("unknown_auth_path")),
        Whose::Page if !backend.pages.enabled => return Err(Refusal::not_found("pages_disabled")),
        Whose::Page if !context.is_tls() => {
            worker.shared.metrics.answered_here.inc();
            return respond::to_tls(context).ok_or(Refusal::not_found("page_on_plain"));
        }
        Whose::Page | Whose::Authority => return to_authority(worker, context, &known, parts, body).await,
        Whose::Backend | Whose::Nobody | Whose::Health => {}
    }
    let access = decision.access;
    let entry = identify(worker, context, &known, &parts, access)?;
    if let (Some(entry), Access::Authenticated) = (&entry, access)
        && !decision.admits(&entry.identity.role)
    {
        return Err(Refusal::forbidden("role"));
    }
    to_backend(worker, context, &known, parts, body, entry).await
}

/// For load balancers: whether requests should come here. An old directory still serves public routes.
fn health(worker: &Worker, context: &Context) -> Response<GateBody> {
    if *worker.shared.phase.borrow() != Phase::Serving {
        return respond::text(StatusCode::SERVICE_UNAVAILABLE, "draining\n");
    }
    match context.known {
        Some(_) => respond::text(StatusCode::OK, "ok\n"),
        None => respond::text(StatusCode::SERVICE_UNAVAILABLE, "starting\n"),
    }
}

/// The truth table of credentials: who is calling, nobody, or a refusal.
fn identify(
    worker: &Worker,
    context: &mut Context,
    known: &Known,
    parts: &Parts,
    access: Access,
) -> Result<Option<Rc<Entry>>, Refusal> {
    let anyone = access != Access::Authenticated;
    if cors::is_preflight(parts) {
        return Ok(None);
    }
    let expired = known.freshness(Instant::now()) == Freshness::Expired;
    if expired && !anyone {
        return Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "directory_expired"));
    }
    let view = &known.view;
    let cookies = view.backend.cookies.enabled && context.is_tls();
    let credential = credential::read(&parts.headers, cookies, view);
    context.has_our_token = matches!(credential, Credential::Ours { by_cookie: false, .. });
    match credential {
        Credential::Unclear(reason) => Err(Refusal::unclear(reason)),
        _ if expired => Ok(None),
        Credential::None | Credential::Foreign if anyone => Ok(None),
        Credential::None => Err(Refusal::unauthenticated("no_credential")),
        Credential::Foreign => Err(Refusal::unauthenticated("foreign_credential")),
        Credential::Ours { token, by_cookie } => {
            match verify::token(worker, token, view, worker.shared.now()) {
                Ok(_) if by_cookie && !cors::may_use_cookie(parts, context) => {
                    Err(Refusal::forbidden("origin"))
                }
                Ok(entry) => {
                    context.by_cookie = by_cookie;
                    Ok(Some(entry))
                }
                Err(reason) if anyone => {
                    worker.shared.metrics.refused(reason);
                    Ok(None)
                }
                Err(reason) => Err(Refusal::invalid_token(reason)),
            }
        }
    }
}

async fn to_backend(
    worker: &Rc<Worker>,
    context: &Context,
    known: &Arc<Known>,
    mut parts: Parts,
    body: Incoming,
    entry: Option<Rc<Entry>>,
) -> Result<Response<GateBody>, Refusal> {
    let view = &known.view;
    let keep_token = entry.is_some() && view.backend.identity.forward_token;
    if (context.has_our_token && !keep_token) || cors::is_preflight(&parts) {
        parts.headers.remove(header::AUTHORIZATION);
    }
    strip::inbound(&mut parts.headers)?;
    strip::our_cookies(&mut parts.headers);
    if let Some(entry) = &entry
        && !identity::set(&mut parts.headers, entry, view, &worker.shared.assertion, worker.shared.now())
    {
        return Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "no_assertion"));
    }
    set_forwarded(&mut parts, context, context.forwarded_for.clone());
    if let Ok(host) = HeaderValue::try_from(&context.host) {
        parts.headers.insert(FORWARDED_HOST, host);
    }
    let lease = entry.map(|entry| Lease::new(Rc::clone(worker), entry));
    let address = view.backend.upstream.address.as_str();
    worker.shared.metrics.to_backend.inc();
    let mut response = forward(worker, To::Backend, address, known, context, parts, body, lease).await?;
    strip::outbound(response.headers_mut(), false);
    Ok(response)
}

async fn to_authority(
    worker: &Rc<Worker>,
    context: &mut Context,
    known: &Arc<Known>,
    mut parts: Parts,
    body: Incoming,
) -> Result<Response<GateBody>, Refusal> {
    context.is_own = true;
    if cors::is_preflight(&parts) {
        worker.shared.metrics.answered_here.inc();
        return Ok(respond::preflight(context));
    }
    strip::inbound(&mut parts.headers)?;
    let cookies = known.view.backend.cookies.enabled && context.is_tls();
    if !cookies {
        strip::our_cookies(&mut parts.headers);
    }
    let client =
        HeaderValue::try_from(context.address.to_string()).map_err(|_| Refusal::unclear("address"))?;
    set_forwarded(&mut parts, context, client);
    parts.headers.insert(GATE, worker.shared.authority.credential.header());
    let address = worker.shared.authority.address.as_str();
    worker.shared.metrics.to_authority.inc();
    let mut response = forward(worker, To::Authority, address, known, context, parts, body, None).await?;
    strip::outbound(response.headers_mut(), cookies);
    Ok(response)
}

fn set_forwarded(parts: &mut Parts, context: &Context, client: HeaderValue) {
    let scheme = if context.is_tls() { "https" } else { "http" };
    parts.headers.insert(FORWARDED_FOR, client);
    parts.headers.insert(FORWARDED_PROTO, HeaderValue::from_static(scheme));
    parts.headers.insert(REQUEST_ID, context.request_id.clone());
}

#[allow(clippy::too_many_arguments, reason = "the one place where everything about a request comes together")]
async fn forward(
    worker: &Rc<Worker>,
    to: To,
    address: &str,
    known: &Known,
    context: &Context,
    mut parts: Parts,
    body: Incoming,
    lease: Option<Lease>,
) -> Result<Response<GateBody>, Refusal> {
    let limits = &known.view.backend.limits;
    let announced = parts
        .headers
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limits.body_bytes) {
        return Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large"));
    }
    let bad = || Refusal::unclear("target");
    let origin_form = parts.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    parts.uri = origin_form.parse::<Uri>().map_err(|_| bad())?;
    parts.version = Version::HTTP_11;
    parts.headers.remove(header::EXPECT);
    parts.headers.insert(header::HOST, HeaderValue::try_from(&context.host).map_err(|_| bad())?);
    one_cookie_line(&mut parts);
    let (body, upload) = ClientBody::new(body, limits.body_bytes);
    if announced.is_none() && !body.is_empty() {
        // Without it the body of a GET would be left out.
        parts.headers.insert(header::TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    }
    let patience = Patience { connect: limits.connect, answer: limits.request };
    let sent = send(worker, to, address, Request::from_parts(parts, body), &upload, &patience).await;
    let (response, connection) = sent.map_err(|error| upstream_refusal(worker, to, &error))?;
    if let Some(reason) = lease.as_ref().and_then(Lease::ended_meanwhile) {
        return Err(Refusal::invalid_token(reason));
    }
    let (mut parts, incoming) = response.into_parts();
    parts.version = Version::HTTP_11;
    Ok(Response::from_parts(parts, GateBody::upstream(incoming, connection, lease)))
}

/// HTTP/2 clients may send a cookie in several lines; HTTP/1.1 servers read one (RFC 9113, section 8.2.3).
fn one_cookie_line(parts: &mut Parts) {
    let lines: Vec<&[u8]> = parts.headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes).collect();
    if lines.len() > 1
        && let Ok(line) = HeaderValue::from_bytes(&lines.join(&b"; "[..]))
    {
        parts.headers.insert(header::COOKIE, line);
    }
}

fn upstream_refusal(worker: &Worker, to: To, error: &UpstreamError) -> Refusal {
    if matches!(error, UpstreamError::TooLarge) {
        return Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large");
    }
    worker.shared.metrics.upstream_errors.inc();
    let remedy = match (to, error) {
        (To::Backend, UpstreamError::Connect { .. }) => {
            "start the backend, or correct its address (upstream.url, --upstream)"
        }
        (To::Backend, _) => "see the backend's log",
        (To::Authority, UpstreamError::Untrusted { .. }) => {
            "see that the CA bundle is that of the authority (--authority-ca)"
        }
        (To::Authority, _) => "see the authority's log",
    };
    if worker.may_complain() {
        tracing::warn!(%error, ?to, "no answer from upstream: {remedy}");
    } else {
        tracing::debug!(%error, ?to, "no answer from upstream");
    }
    match error {
        UpstreamError::Timeout | UpstreamError::ConnectTimeout { .. } => {
            Refusal::new(StatusCode::GATEWAY_TIMEOUT, "upstream_timeout")
        }
        _ => Refusal::new(StatusCode::BAD_GATEWAY, "upstream_unreachable"),
    }
}

fn has_our_cookie(parts: &Parts) -> bool {
    let name = ACCESS_COOKIE.as_bytes();
    parts
        .headers
        .get_all(header::COOKIE)
        .iter()
        .any(|line| line.as_bytes().windows(name.len()).any(|part| part == name))
}
