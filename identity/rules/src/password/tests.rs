use secrecy::{ExposeSecret as _, SecretString};

use super::*;
use crate::random::SeededRandom;

const WORDS: [&str; 3] = ["admin@minicorp.example", "mini corp", "Mini Corp Admin"];

fn secret(text: &str) -> SecretString {
    text.to_owned().into()
}

fn hash_of(text: &str) -> String {
    hash(&secret(text), &SeededRandom::new(1)).unwrap()
}

#[test]
fn a_long_password_of_one_kind_and_a_short_one_of_four_are_accepted() {
    let policy = PasswordPolicy::default();
    for password in [
        "demo-sensor-api-key",
        "Tr4in&Lantern!9",
        "correct horse battery staple",
        "=)+{;~%<^?#}>@&|",
        "пароль-из-многих-слов-9",
    ] {
        assert_eq!(policy.check(&secret(password), &WORDS), Ok(()), "{password}");
    }
}

#[test]
fn each_weakness_has_its_own_sentence() {
    let policy = PasswordPolicy::default();
    let sentence = |password: &str| policy.check(&secret(password), &WORDS).unwrap_err().to_string();
    assert_eq!(sentence("short"), "The password has 5 characters; use at least 12.");
    assert_eq!(
        sentence("lanternbirchx"),
        "The password needs an upper-case letter, a digit, a special character, or at least 15 characters of any kind."
    );
    assert_eq!(sentence(&"x7!".repeat(400)), "The password has more than 1024 bytes; use a shorter one.");
    assert_eq!(sentence("nul\0nul-lantern-birch"), "The password holds a NUL character; leave it out.");
    assert!(sentence("passwordpassword").starts_with("The password is easy to guess: "));
    assert!(sentence("aaaaaaaaaaaaaaaaaaaa").starts_with("The password is easy to guess: "));
}

#[test]
fn the_accounts_own_words_do_not_make_a_password() {
    let policy = PasswordPolicy { min_length: 12, composition: false };
    let own = secret("minicorpadmin");
    assert!(matches!(policy.check(&own, &["minicorp", "admin"]), Err(WeakPassword::Guessable { .. })));
}

#[test]
fn the_name_of_an_organization_is_no_password_in_any_spelling() {
    let policy = PasswordPolicy::default();
    for own in [
        "mini corp mini corp",
        "Minicorp.Example1",
        "tenantrytenantry",
        "Admin@minicorp1",
        "Mini-Corp-Admin-2026",
    ] {
        let verdict = policy.check(&secret(own), &WORDS);
        assert!(matches!(verdict, Err(WeakPassword::Guessable { .. })), "{own}: {verdict:?}");
    }
}

#[test]
fn a_password_that_is_slow_to_judge_is_cut_not_refused() {
    let hostile = "4a@8({[<369!1|70$57+%2".repeat(40);
    assert_eq!(PasswordPolicy::default().check(&secret(&hostile), &WORDS), Ok(()));
}

#[test]
fn composition_may_be_switched_off() {
    let policy = PasswordPolicy { min_length: 8, composition: false };
    assert_eq!(policy.check(&secret("lantern birch"), &[]), Ok(()));
}

#[test]
fn a_kept_password_matches_itself_alone() {
    let kept = hash_of("demo-sensor-api-key");
    assert!(kept.starts_with("$2b$12$") && kept.len() == 60, "{kept}");
    let whole = 1 << COST;
    assert_eq!(
        verify(&secret("demo-sensor-api-key"), &kept),
        Verification { matches: true, rehash: None, rounds: whole }
    );
    assert_eq!(
        verify(&secret("demo-sensor-api-kez"), &kept),
        Verification { matches: false, rehash: None, rounds: whole }
    );
}

#[test]
fn every_version_of_bcrypt_verifies_and_a_lower_cost_asks_for_a_rehash() {
    // The well-known vector of crypt_blowfish for "U*U", at cost 5.
    let body = "05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
    for version in ["$2a$", "$2b$", "$2y$"] {
        let verification = verify(&secret("U*U"), &format!("{version}{body}"));
        assert_eq!((verification.matches, verification.rehash), (true, Some(Rehash::Cost)), "{version}");
    }
    assert!(!verify(&secret("U*U"), &format!("$2x${body}")).matches);
}

#[test]
fn bypass_35_every_account_costs_a_guess_the_same_work() {
    let random = SeededRandom::new(3);
    let generated = hash_generated(&secret("generated"), &random).unwrap();
    let kept = [
        hash_of("demo-sensor-api-key"),
        generated,
        "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW".to_owned(),
        "!".to_owned(),
        String::new(),
        "$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA".to_owned(),
        "$bcrypt-sha256$v=2,t=2b,r=5$5Hg1DKFqPE8C2aflZ5vVoe$wOK1VFFtS8IGTrGa7.h5fs0u84qyPbS".to_owned(),
        // Of the right form, but not base64: bcrypt gives up before the first round.
        format!("$2b$12${}", "!".repeat(53)),
        format!("$2b$12${}é", "A".repeat(51)),
        "$2b$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW".to_owned(),
        "$2b$+5$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW".to_owned(),
    ];
    let guess = secret("wrong-guess-of-somebody");
    for kept in kept {
        let verification = verify(&guess, &kept);
        assert_eq!((verification.matches, verification.rounds), (false, spend(&guess)), "{kept}");
    }
}

#[test]
fn all_of_a_long_password_counts() {
    let long = format!("{}a", "lantern-birch-".repeat(8));
    let kept = hash_of(&long);
    assert!(kept.starts_with("$bcrypt-sha256$v=2,t=2b,r=12$"), "{kept}");
    assert!(verify(&secret(&long), &kept).matches);
    assert!(!verify(&secret(&format!("{}b", &long[..long.len() - 1])), &kept).matches);
    assert!(!verify(&secret(&long[..72]), &kept).matches);
}

#[test]
fn no_hash_of_ours_matches_a_longer_password_with_the_same_beginning() {
    let text = "0123456789abcdef".repeat(5);
    for length in [71, 72, 73] {
        let kept = hash_of(&text[..length]);
        assert_eq!(kept.starts_with("$2b$"), length < 72, "{length}: {kept}");
        assert!(verify(&secret(&text[..length]), &kept).matches);
        assert!(!verify(&secret(&text[..=length]), &kept).matches, "{length}");
    }
}

#[test]
fn the_form_for_long_passwords_is_passlibs_bcrypt_sha256() {
    // passlib 1.7.4: bcrypt_sha256.using(rounds=…, salt=…).hash(…)
    for (password, kept) in [
        (
            "password".to_owned(),
            "$bcrypt-sha256$v=2,t=2b,r=5$5Hg1DKFqPE8C2aflZ5vVoe$wOK1VFFtS8IGTrGa7.h5fs0u84qyPbS",
        ),
        (
            "0123456789abcdef".repeat(6),
            "$bcrypt-sha256$v=2,t=2b,r=5$CCCCCCCCCCCCCCCCCCCCC.$CGHckkWVHm8umGYTrgacCvsnWGfrWhG",
        ),
        (
            "пароль".repeat(9),
            "$bcrypt-sha256$v=2,t=2b,r=4$CCCCCCCCCCCCCCCCCCCCC.$6cDGfzL/7KHO7e2/0FTjngVC5AWOeVy",
        ),
    ] {
        let verification = verify(&secret(&password), kept);
        assert_eq!((verification.matches, verification.rehash), (true, Some(Rehash::Cost)), "{password}");
        assert!(!verify(&secret("passwort"), kept).matches);
    }
}

#[test]
fn a_nul_does_not_make_two_passwords_one() {
    // To bcrypt "a", "a\0a" and "a\0a\0a" are the same 72 bytes.
    let plain = hash_of("a");
    assert!(verify(&secret("a"), &plain).matches);
    for guess in ["a\0a", "a\0a\0a", "a\0"] {
        let verification = verify(&secret(guess), &plain);
        assert_eq!((verification.matches, verification.rounds), (false, 1 << COST), "{guess:?}");
        let own = hash_of(guess);
        assert!(verify(&secret(guess), &own).matches && !verify(&secret("a"), &own).matches);
    }
}

#[test]
fn a_foreign_hash_of_a_long_password_is_tried_as_its_maker_did_and_replaced() {
    // Python's bcrypt: hashpw(b"0123456789abcdef" * 6, b"$2b$05$CCCCCCCCCCCCCCCCCCCCC.")
    let long = "0123456789abcdef".repeat(6);
    let foreign = "$2b$05$CCCCCCCCCCCCCCCCCCCCC.w/P4rg/..fMgGvOJTacXDRpQuTsh2Mq";
    let verification = verify(&secret(&long), foreign);
    assert_eq!((verification.matches, verification.rehash), (true, Some(Rehash::Truncated)));
    let own = hash_of(&long);
    assert_eq!(verify(&secret(&long), &own).rehash, None);
    assert!(!verify(&secret(&long[..72]), &own).matches);
}

#[test]
fn a_generated_password_is_128_bits_and_kept_cheaply_until_another_is_chosen() {
    let random = SeededRandom::new(9);
    let password = generate(&random).unwrap();
    assert_eq!(password.expose_secret().len(), 34);
    assert_eq!(PasswordPolicy::default().check(&password, &WORDS), Ok(()));
    let kept = hash_generated(&password, &random).unwrap();
    assert!(kept.starts_with("$2b$04$"));
    let verification = verify(&password, &kept);
    assert_eq!(verification, Verification { matches: true, rehash: None, rounds: 1 << COST });
    let chosen = hash_generated(&secret("demo-sensor-api-key"), &random).unwrap();
    assert_eq!(verify(&secret("demo-sensor-api-key"), &chosen).rehash, Some(Rehash::Cost));
}

#[test]
fn a_password_that_only_looks_generated_is_none() {
    use super::generated::is_generated;
    for seed in 0..50 {
        let password = generate(&SeededRandom::new(seed)).unwrap();
        let text = password.expose_secret();
        assert!(is_generated(text), "{seed}");
        let turned: String = text.chars().rev().collect();
        for other in [&text[..33], &text.replace('-', ""), &text.to_uppercase(), &format!("{text}0"), &turned]
        {
            assert!(!is_generated(other), "{other}");
        }
    }
    assert!(!is_generated("") && !is_generated("0000-0000-0000-0000-0000-0000-0000"));
}
