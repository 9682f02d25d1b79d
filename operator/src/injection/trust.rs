//! The authorities that gates are to trust, told apart by their fingerprints.

use aws_lc_rs::digest;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

/// The SHA-256 of every certificate in a text of PEM, in hexadecimal, in their order, joined by commas; `None` where there is none.
pub fn fingerprints(pem: &str) -> Option<String> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    let all: Vec<String> = certificates
        .ok()?
        .iter()
        .map(|certificate| hex::encode(digest::digest(&digest::SHA256, certificate)))
        .collect();
    (!all.is_empty()).then(|| all.join(","))
}

#[cfg(test)]
mod tests {
    use tenantry_harness::certificates::Authority;

    use super::*;

    #[test]
    fn every_authority_has_its_own_and_a_text_without_any_has_none() {
        let pems = [
            Authority::new("one").unwrap().pem().to_owned(),
            Authority::new("two").unwrap().pem().to_owned(),
        ];
        let [one, two] = [&pems[0], &pems[1]].map(|pem| fingerprints(pem).unwrap());
        assert!(one.len() == 64 && one != two);
        assert_eq!(fingerprints(&pems.concat()).unwrap(), format!("{one},{two}"));
        assert_eq!(fingerprints(""), None);
        assert_eq!(fingerprints("-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n"), None);
    }
}
