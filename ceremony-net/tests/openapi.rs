//! The service's description of itself, as other clients are built from it.

#[test]
fn the_committed_description_is_what_the_service_hands_out() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
    let current = ceremony_net::service::openapi_json().unwrap() + "\n";
    if std::env::var_os("GOLDEN").is_some_and(|it| it == "write") {
        std::fs::write(path, &current).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        committed == current,
        "ceremony-net/openapi.json is not current: run `GOLDEN=write cargo test -p ceremony-net \
         --test openapi`, and read its diff"
    );
}
