//! Amounts of processor time and memory as Kubernetes writes them.

/// Suffixes, and by what they multiply.
const SUFFIXES: [(&str, f64); 16] = [
    ("", 1.0),
    ("n", 1e-9),
    ("u", 1e-6),
    ("m", 1e-3),
    ("k", 1e3),
    ("M", 1e6),
    ("G", 1e9),
    ("T", 1e12),
    ("P", 1e15),
    ("E", 1e18),
    ("Ki", 1_024.0),
    ("Mi", 1_048_576.0),
    ("Gi", 1_073_741_824.0),
    ("Ti", 1_099_511_627_776.0),
    ("Pi", 1_125_899_906_842_624.0),
    ("Ei", 1_152_921_504_606_846_976.0),
];

/// Whether a text is an amount, such as `50m`, `0.5` or `64Mi`.
pub fn is_quantity(text: &str) -> bool {
    amount(text).is_some()
}

/// Whether two texts say the same amount: the API server writes `1000m` as `1`.
pub fn is_same(one: &str, other: &str) -> bool {
    one == other
        || matches!((amount(one), amount(other)), (Some(one), Some(other)) if (one - other).abs() <= one.abs() * 1e-9)
}

fn amount(text: &str) -> Option<f64> {
    let number = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    if !number.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    let (_, factor) = SUFFIXES.iter().find(|(suffix, _)| *suffix == &text[number.len()..])?;
    Some(number.parse::<f64>().ok()? * factor)
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

    #[test]
    fn the_same_amount_may_be_written_in_several_ways() {
        for (one, other) in [("1000m", "1"), ("0.5", "500m"), ("1024Mi", "1Gi"), ("1e3", "1k"), ("x", "x")] {
            assert!(is_same(one, other), "{one} {other}");
        }
        for (one, other) in [("1", "1m"), ("64Mi", "64M"), ("x", "y"), ("1", "x"), ("0", "1n")] {
            assert!(!is_same(one, other), "{one} {other}");
        }
    }
}
