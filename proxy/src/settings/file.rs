//! The configuration file: the flags' names in camelCase.

use super::{cli::StandaloneOptions, nearest::nearest};
use crate::failure::Failure;
use clap::Args;
use std::path::Path;

/// Reads `path`; a key that names nothing is refused with the one that was probably meant.
pub(super) fn read(path: &Path) -> Result<StandaloneOptions, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Failure::new(
            format!("the configuration file {} cannot be read: {error}", path.display()),
            "Name a readable file with --config, or leave --config out.",
        )
    })?;
    parse(&text).map_err(|(what, remedy)| Failure::usage(format!("{}: {what}", path.display()), remedy))
}

fn parse(text: &str) -> Result<StandaloneOptions, (String, String)> {
    let keys = known_keys();
    if text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
        return Ok(StandaloneOptions::default());
    }
    let not_a_mapping = || {
        format!("Write one setting a line, such as \"listen: 127.0.0.1:8443\"; known: {}.", keys.join(", "))
    };
    let value: serde_json::Value =
        serde_saphyr::from_str(text).map_err(|error| (first_line(&error), not_a_mapping()))?;
    let Some(map) = value.as_object() else { return Err(("this is not a mapping".into(), not_a_mapping())) };
    if let Some(key) = map.keys().find(|key| !keys.contains(key)) {
        let remedy = match nearest(key, keys.iter().map(String::as_str)) {
            Some(meant) => format!("Did you mean {meant}?"),
            None => format!("The settings are {}.", keys.join(", ")),
        };
        return Err((format!("{key} is not a setting"), remedy));
    }
    for (key, value) in map {
        let one = serde_json::Value::Object([(key.clone(), value.clone())].into_iter().collect());
        if let Err(error) = serde_json::from_value::<StandaloneOptions>(one) {
            return Err((
                format!("{key}: {error}"),
                format!("Correct the value of {key}; see standalone --help."),
            ));
        }
    }
    serde_json::from_value(value).map_err(|error| (error.to_string(), not_a_mapping()))
}

fn known_keys() -> Vec<String> {
    let command = StandaloneOptions::augment_args(clap::Command::new("standalone"));
    let flags = command.get_arguments().filter_map(|argument| argument.get_long().map(camel_case));
    flags.filter(|flag| flag != "config").collect()
}

fn camel_case(flag: &str) -> String {
    let mut words = flag.split('-');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| {
        let (head, tail) = word.split_at(word.len().min(1));
        name + &head.to_uppercase() + tail
    })
}

fn first_line(error: &impl ToString) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flag_is_a_key_and_is_read() {
        let text = "manifests: m\nupstream: http://u\ndata: d\ndatabase: sqlite\ndatabaseCa: c\nsealingKeyring: s\n\
                    listen: 127.0.0.1:1\nplain: off\nadmin: 127.0.0.1:2\npublicUrl: https://p\ntlsCert: c\n\
                    tlsKey: k\nworkers: 2\nlog: debug\nlogFormat: json\n";
        assert_eq!(text.lines().count(), known_keys().len());
        let options = parse(text).unwrap();
        assert_eq!(options.public_url.as_deref(), Some("https://p"));
        assert_eq!(options.workers, Some(2));
        assert_eq!(options.plain, Some(super::super::Plain::Off));
    }

    #[test]
    fn an_unknown_key_names_the_nearest_one() {
        let (what, remedy) = parse("publicURL: https://p").unwrap_err();
        assert_eq!(
            (what.as_str(), remedy.as_str()),
            ("publicURL is not a setting", "Did you mean publicUrl?")
        );
        assert!(parse("zebra: 1").unwrap_err().1.contains("publicUrl"));
    }

    #[test]
    fn a_value_of_the_wrong_kind_names_its_key() {
        assert!(parse("listen: nonsense").unwrap_err().0.starts_with("listen:"));
        assert!(parse("workers: many").unwrap_err().0.starts_with("workers:"));
        assert!(parse("- a list").unwrap_err().0.contains("mapping"));
    }

    #[test]
    fn an_empty_file_sets_nothing() {
        assert!(parse("# nothing yet\n\n").unwrap().data.is_none());
    }
}
