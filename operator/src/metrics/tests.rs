use super::*;

fn of_backend(store: Store) -> OfBackend {
    OfBackend { backend: "t/x".to_owned(), store: store.to_string() }
}

#[test]
fn nothing_is_told_of_a_store_whose_backend_is_gone() {
    let metrics = Metrics::new(Leadership::default());
    let (database, aws) = (of_backend(Store::Database), of_backend(Store::Aws));
    metrics.tell_stores(&HashMap::from([(database.clone(), false), (aws, true)]));
    metrics.tell_stores(&HashMap::from([(database, false)]));
    let told = metrics.text();
    assert!(told.contains(r#"store_up{backend="t/x",store="database"} 0"#), "{told}");
    assert!(!told.contains(r#"store="aws""#), "{told}");
    metrics.tell_stores(&HashMap::new());
    assert!(!metrics.text().contains("store_up{"), "{}", metrics.text());
}
