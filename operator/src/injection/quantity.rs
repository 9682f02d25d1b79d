//! Amounts of processor time and memory as Kubernetes writes them.

const SUFFIXES: [&str; 15] = ["", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi"];

/// Whether a text is an amount, such as `50m`, `0.5` or `64Mi`.
pub fn is_quantity(text: &str) -> bool {
    let number = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let is_number = number.starts_with(|first: char| first.is_ascii_digit()) && number.parse::<f64>().is_ok();
    is_number && SUFFIXES.contains(&&text[number.len()..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_told_from_other_texts() {
        for amount in ["1", "0.5", "50m", "64Mi", "1e3", "128974848", "2G"] {
            assert!(is_quantity(amount), "{amount}");
        }
        for other in ["", "m", "-1", "+1", "1 Gi", "64MiB", "64mi", "half", "1.2.3", "inf", "1e", "½"] {
            assert!(!is_quantity(other), "{other}");
        }
    }
}
