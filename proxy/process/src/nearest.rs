//! What somebody probably meant.

/// The candidate closest to `word`, where one is close enough to be a misspelling of it.
pub(crate) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let fold = |text: &str| text.replace(['_', '-'], "").to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&fold(word), &fold(candidate)), candidate))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, candidate)| *distance <= candidate.len().max(6) / 3)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_misspelling_finds_its_word_and_nonsense_finds_none() {
        let known = ["publicUrl", "upstream", "tlsCert", "tlsKey"];
        assert_eq!(nearest("publicURL", known), Some("publicUrl"));
        assert_eq!(nearest("public_url", known), Some("publicUrl"));
        assert_eq!(nearest("upstraem", known), Some("upstream"));
        assert_eq!(nearest("tls-keys", known), Some("tlsKey"));
        assert_eq!(nearest("somethingElseAltogether", known), None);
    }
}
