use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;
use zxcvbn::Score;

/// Longest password in bytes.
pub const MAX_BYTES: usize = 1024;
/// Characters from which any kind will do.
const LONG: usize = 15;
/// Words that everybody who sees the sign-in page knows.
const OUR_WORDS: [&str; 1] = ["tenantry"];
/// Letters and digits that a password must have besides the account's own words. To zxcvbn, any three words one after
/// the other are as good as random ones.
const OWN_LETTERS: usize = 6;
/// Characters that are judged for guessability: the estimate takes quadratic time, and a second for a hundred hostile
/// ones without optimisation.
const JUDGED_CHARS: usize = 64;

/// What a new password must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PasswordPolicy {
    /// Fewest characters.
    pub min_length: usize,
    /// Below 15 characters, each of upper case, lower case, digit and special character is wanted.
    pub composition: bool,
}

impl Default for PasswordPolicy {
    fn default() -> Self {
        Self { min_length: 12, composition: true }
    }
}

/// Why a password may not be chosen. Never says what it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WeakPassword {
    /// Fewer characters than the policy wants.
    #[error("The password has {got} characters; use at least {least}.")]
    Short {
        /// What it has.
        got: usize,
        /// What it needs.
        least: usize,
    },
    /// More than [`MAX_BYTES`].
    #[error("The password has more than {MAX_BYTES} bytes; use a shorter one.")]
    Long,
    /// A NUL, which other programs read as the end.
    #[error("The password holds a NUL character; leave it out.")]
    Nul,
    /// Too few kinds of characters for its length.
    #[error("The password needs {missing}, or at least {LONG} characters of any kind.")]
    Composition {
        /// What is missing, as words.
        missing: String,
    },
    /// A known pattern, a word list, or the account's own words.
    #[error("The password is easy to guess: {reason}")]
    Guessable {
        /// A sentence about the pattern.
        reason: String,
    },
}

impl PasswordPolicy {
    /// Judges a new password, given the words an attacker would try first: e-mail, names, organization.
    pub fn check(&self, password: &SecretString, words: &[&str]) -> Result<(), WeakPassword> {
        let password = password.expose_secret();
        let length = password.chars().count();
        if password.len() > MAX_BYTES {
            return Err(WeakPassword::Long);
        }
        if password.contains('\0') {
            return Err(WeakPassword::Nul);
        }
        if length < self.min_length {
            return Err(WeakPassword::Short { got: length, least: self.min_length });
        }
        if self.composition && length < LONG {
            let missing = missing_kinds(password);
            if !missing.is_empty() {
                return Err(WeakPassword::Composition { missing: missing.join(", ") });
            }
        }
        guessable(password, words)
    }
}

fn missing_kinds(password: &str) -> Vec<&'static str> {
    let special = |c: char| !c.is_alphanumeric();
    let kinds: [(bool, &str); 4] = [
        (password.chars().any(char::is_uppercase), "an upper-case letter"),
        (password.chars().any(char::is_lowercase), "a lower-case letter"),
        (password.chars().any(char::is_numeric), "a digit"),
        (password.chars().any(special), "a special character"),
    ];
    kinds.into_iter().filter(|(has, _)| !has).map(|(_, name)| name).collect()
}

fn guessable(password: &str, words: &[&str]) -> Result<(), WeakPassword> {
    let judged: Zeroizing<String> = Zeroizing::new(password.chars().take(JUDGED_CHARS).collect());
    let parts = words.iter().flat_map(|words| words.split(|c: char| !c.is_alphanumeric()));
    let own: Vec<&str> =
        OUR_WORDS.iter().chain(words).copied().chain(parts).filter(|word| word.chars().count() > 2).collect();
    let besides = letters_besides(password, &own);
    if besides < OWN_LETTERS && besides < letters_besides(password, &[]) {
        return Err(WeakPassword::Guessable { reason: "it is made of the account's own words.".to_owned() });
    }
    let estimate = zxcvbn::zxcvbn(&judged, &own);
    if estimate.score() >= Score::Three {
        return Ok(());
    }
    let reason = estimate.feedback().and_then(zxcvbn::feedback::Feedback::warning).map_or_else(
        || "add another word or two; uncommon words are better.".to_owned(),
        |warning| warning.to_string(),
    );
    Err(WeakPassword::Guessable { reason })
}

fn letters_besides(password: &str, own: &[&str]) -> usize {
    let mut own: Vec<String> = own.iter().map(|word| word.to_lowercase()).collect();
    own.sort_by_key(|word| std::cmp::Reverse(word.len()));
    let rest = own.iter().fold(Zeroizing::new(password.to_lowercase()), |rest, word| {
        Zeroizing::new(rest.replace(word.as_str(), " "))
    });
    rest.chars().filter(|c| c.is_alphanumeric()).count()
}
