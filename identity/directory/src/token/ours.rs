use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::MAX_TOKEN_BYTES;
use super::strict_json::AllTexts;
use crate::{Kid, View};

/// As lenient as any reader may be: whether a credential claims to be ours is not for its spelling to decide.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Whether a credential is one of ours, valid or not: it names a key we know or an issuer below our public URL, in any
/// of its duplicate members. Everything else is foreign. One of ours that does not verify is stripped on public and
/// passthrough routes; a foreign one passes there.
pub fn is_ours(token: &str, view: &View) -> bool {
    let mut parts = token.split('.');
    let texts = |part: Option<&str>, of: &str| -> Vec<String> {
        let bytes = part.filter(|p| p.len() <= 4 * MAX_TOKEN_BYTES).and_then(|p| LENIENT.decode(p).ok());
        let all = bytes.and_then(|bytes| serde_json::from_slice::<AllTexts>(&bytes).ok());
        all.map(|all| all.0.into_iter().filter(|(name, _)| name == of).map(|(_, text)| text).collect())
            .unwrap_or_default()
    };
    let (header, claims) = (parts.next(), parts.next());
    let known_key = |kid: &String| kid.parse::<Kid>().is_ok_and(|kid| view.keys.contains_key(&kid));
    let our_issuer = |iss: &String| {
        view.backend.public_url.covers(iss)
            || view.backend.earlier_public_urls.iter().any(|earlier| earlier.public_url.covers(iss))
    };
    texts(header, "kid").iter().any(known_key) || texts(claims, "iss").iter().any(our_issuer)
}
