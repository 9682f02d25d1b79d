use proptest::prelude::*;

use super::*;

#[test]
fn plain_addresses_are_accepted_as_written() {
    for text in [
        "admin@minicorp.example",
        "Admin.Name+tag@MiniCorp.Example",
        "a@b.co",
        "o'brien@xn--bcher-kva.example",
        "x_y-z@sub.sub.example.com",
        "1@1.example",
    ] {
        let email = Email::parse(text).unwrap();
        assert_eq!(email.as_str(), text);
        assert_eq!(email.key(), text.to_lowercase());
    }
}

#[test]
fn addresses_that_differ_in_case_are_one_account() {
    let (one, other) = (Email::parse("Ann@Example.com").unwrap(), Email::parse("aNN@eXAMPLE.COM").unwrap());
    assert_eq!(one, other);
    assert_eq!(one.local(), "Ann");
    assert_eq!(one.domain(), "example.com");
}

#[test]
fn what_two_parsers_would_read_differently_is_refused() {
    use EmailError::{At, Domain, Length, Local};
    for (text, why) in [
        ("", Length),
        ("@", Length),
        ("plain", At),
        ("a@b@c.example", At),
        ("\"a@b\"@c.example", At),
        ("@c.example", Local),
        ("\"quoted\"@c.example", Local),
        ("a(comment)@c.example", Local),
        ("Ann <ann@c.example", Local),
        (" a@c.example", Local),
        ("a b@c.example", Local),
        (".a@c.example", Local),
        ("a.@c.example", Local),
        ("a..b@c.example", Local),
        ("a%relay.example@c.example", Local),
        ("relay.example!a@c.example", Local),
        ("a\0@c.example", Local),
        ("a\r\nBcc:x@c.example", Local),
        ("a,b@c.example", Local),
        ("a\\b@c.example", Local),
        ("\u{fe}a@c.example", Local),
        ("аdmin@c.example", Local),
        ("a@c.example ", Domain),
        ("a@c.example\n", Domain),
        ("a@c.example.", Domain),
        ("a@.example", Domain),
        ("a@c..example", Domain),
        ("a@localhost", Domain),
        ("a@[127.0.0.1]", Domain),
        ("a@127.0.0.1", Domain),
        ("a@-c.example", Domain),
        ("a@c-.example", Domain),
        ("a@bücher.example", Domain),
        ("a@ex_ample.com", Domain),
        ("a@c.example>", Domain),
        ("a@c.example,d.example", Domain),
        ("a@exa\u{200b}mple.com", Domain),
    ] {
        assert_eq!(Email::parse(text).map(String::from), Err(why), "{text:?}");
    }
}

#[test]
fn lengths_are_bounded_at_every_level() {
    let local = |n| format!("{}@c.example", "a".repeat(n));
    assert!(Email::parse(&local(64)).is_ok());
    assert_eq!(Email::parse(&local(65)), Err(EmailError::Local));
    assert!(Email::parse(&format!("a@{}.example", "b".repeat(63))).is_ok());
    assert_eq!(Email::parse(&format!("a@{}.example", "b".repeat(64))), Err(EmailError::Domain));
    let long = format!("a@{}example", "b.".repeat(123));
    assert_eq!(long.len(), 255);
    assert_eq!(Email::parse(&long), Err(EmailError::Length));
    assert!(Email::parse(&long.replacen("b.", "", 1)).is_ok());
}

proptest! {
    #[test]
    fn whatever_is_accepted_is_printable_ascii_with_one_at(text in "[ -~\\PC]{0,20}@[ -~\\PC]{0,20}") {
        if let Ok(email) = Email::parse(&text) {
            prop_assert!(email.as_str().bytes().all(|b| b.is_ascii_graphic()));
            prop_assert_eq!(email.as_str().matches('@').count(), 1);
            prop_assert_eq!(Email::parse(email.key()).unwrap(), email);
        }
    }
}
