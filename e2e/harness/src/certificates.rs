//! Certificate authorities for tests, and what they sign: servers on this machine, clients with a name.

use rcgen::{
    BasicConstraints, CertificateParams, DnType, Error, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};

/// A certificate authority.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

/// A certificate and its private key (P-256), each as PEM.
pub struct Signed {
    /// The certificate.
    pub certificate: String,
    /// The private key, PKCS #8.
    pub key: String,
}

impl Authority {
    /// A new authority with this common name.
    pub fn new(name: &str) -> Result<Self, Error> {
        Self::until(4000, name)
    }

    /// One that ends with the year before this.
    pub fn until(year: i32, name: &str) -> Result<Self, Error> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(Vec::<String>::new())?;
        params.not_after = date_time_ymd(year, 1, 1);
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let pem = params.self_signed(&key)?.pem();
        Ok(Self { issuer: Issuer::new(params, key), pem })
    }

    /// The authority's own certificate as PEM: what a client trusts.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// Its private key as PEM, PKCS #8, for a test in which somebody else signs with it.
    pub fn key(&self) -> String {
        self.issuer.key().serialize_pem()
    }

    /// A certificate for a server reached as `localhost`, as 127.0.0.1 or by one of `names`.
    pub fn server(&self, names: &[&str]) -> Result<Signed, Error> {
        self.server_until(4000, names)
    }

    /// One that ends with the year before this.
    pub fn server_until(&self, year: i32, names: &[&str]) -> Result<Signed, Error> {
        let names = ["localhost", "127.0.0.1"].iter().chain(names).map(|name| (*name).to_owned());
        let mut params = CertificateParams::new(names.collect::<Vec<_>>())?;
        params.not_after = date_time_ymd(year, 1, 1);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.sign(&params)
    }

    /// A certificate for a client of this common name, in `organization` when one is given (Kubernetes: the group).
    pub fn client(&self, name: &str, organization: Option<&str>) -> Result<Signed, Error> {
        let mut params = CertificateParams::new(Vec::<String>::new())?;
        params.distinguished_name.push(DnType::CommonName, name);
        if let Some(organization) = organization {
            params.distinguished_name.push(DnType::OrganizationName, organization);
        }
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.sign(&params)
    }

    fn sign(&self, params: &CertificateParams) -> Result<Signed, Error> {
        let key = KeyPair::generate()?;
        let certificate = params.clone().signed_by(&key, &self.issuer)?.pem();
        Ok(Signed { certificate, key: key.serialize_pem() })
    }
}
