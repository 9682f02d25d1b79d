use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::SecretString;

use crate::random::{self, NoRandomness, Random};

/// A password of 128 bits, 22 characters of URL-safe base64.
pub fn generate(random: &dyn Random) -> Result<SecretString, NoRandomness> {
    let bytes = random::bytes::<16>(random)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes.as_slice()).into())
}
