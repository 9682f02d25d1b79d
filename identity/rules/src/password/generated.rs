use aws_lc_rs::digest;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::random::{self, NoRandomness, Random};

/// No letter that passes for a digit, none that needs Shift: these are read off a screen and typed.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Characters for 128 bits, five in each.
const SECRET_CHARS: u32 = 26;
const GROUP: usize = 4;

/// A password of 128 bits: seven groups of four, `7k3m-…`, the last two characters a check of the others.
pub fn generate(random: &dyn Random) -> Result<SecretString, NoRandomness> {
    Ok(write(&Zeroizing::new(u128::from_be_bytes(*random::bytes(random)?))))
}

/// Whether `password` has the form of [`generate`] and its check fits. Such a password cannot be guessed at any cost of
/// hashing, so its cheap hash is left alone until somebody chooses another.
pub(super) fn is_generated(password: &str) -> bool {
    let mut secret = Zeroizing::new(0_u128);
    for byte in password.bytes().filter(|byte| *byte != b'-').take(SECRET_CHARS as usize) {
        let Some(digit) = ALPHABET.iter().position(|known| *known == byte) else { return false };
        *secret = (*secret << 5) | digit as u128;
    }
    write(&secret).expose_secret() == password
}

fn write(secret: &Zeroizing<u128>) -> SecretString {
    let digit = |value: u128| char::from(ALPHABET[(value & 31) as usize]);
    let bytes = Zeroizing::new(secret.to_be_bytes());
    let input = Zeroizing::new([b"tenantry generated password\0".as_slice(), bytes.as_slice()].concat());
    let check = digest::digest(&digest::SHA256, &input);
    let check = check.as_ref().iter().take(2).map(|byte| digit(u128::from(*byte)));
    let digits = (0..SECRET_CHARS).rev().map(|place| digit(**secret >> (5 * place)));
    // With room for all of it, growing leaves no copy behind.
    let mut text = String::with_capacity(40);
    for (at, digit) in digits.chain(check).enumerate() {
        if at > 0 && at % GROUP == 0 {
            text.push('-');
        }
        text.push(digit);
    }
    SecretString::from(text)
}
