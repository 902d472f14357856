//! The countries of the example, the trust anchor that names their keys, and the servers of both.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use sigcache_core::{Name, Timestamp, hex};
use sigcache_examples::origin::Origin;
use tokio::net::TcpSocket;

use crate::signing::{Authority, Kind, Signer};

/// As many as take part in eIDAS: ISO 3166 codes, but for EL.
pub(crate) const COUNTRIES: [&str; 28] = [
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "EL", "ES", "FI", "FR", "HR", "HU", "IE", "IS", "IT", "LT", "LU",
    "LV", "MT", "NL", "NO", "PL", "PT", "SE", "SI", "SK",
];

/// Nothing listens there.
pub(crate) const DEAD: &str = "LU";

/// Sends a byte at a time.
pub(crate) const SLOW: &str = "PL";

const METADATA: &str = "urn:oasis:names:tc:SAML:2.0:metadata";

/// Everything that is outside of the cache.
pub(crate) struct Europe {
    pub(crate) authority: Authority,
    hub: Origin,
    publisher: Signer,
    origin: Origin,
    dead: TcpSocket,
    signers: BTreeMap<&'static str, Signer>,
    valid_until: Timestamp,
    edition: u32,
}

impl Europe {
    /// Everything in order, except for the dead one and the slow one; what is published is valid until then.
    pub(crate) async fn new(valid_until: Timestamp) -> Result<Self> {
        let authority = Authority::new("Example eIDAS root")?;
        let publisher = authority.certify("Example trust anchor signing", Kind::EcdsaP256)?;
        let signers = COUNTRIES.map(|country| Ok((country, signer(country)?))).into_iter().collect::<Result<_>>()?;
        let hub = Origin::start().await.context("cannot start the server of the anchor")?;
        let origin = Origin::start().await.context("cannot start the server of the countries")?;
        // Bound, so that nobody else gets the port, and never listened on, so that every connection is refused.
        let dead = TcpSocket::new_v4()?;
        dead.bind("127.0.0.1:0".parse()?).context("cannot take a port")?;
        let europe = Self { authority, hub, publisher, origin, dead, signers, valid_until, edition: 0 };
        europe.publish_anchor()?;
        for country in COUNTRIES {
            europe.publish(country)?;
        }
        europe.origin.put_slow(&path(SLOW), europe.current(SLOW)?);
        Ok(europe)
    }

    /// The URL of the anchor.
    pub(crate) fn anchor(&self) -> String {
        format!("http://{}/trust-anchor", self.hub.address)
    }

    /// The URL of a country's metadata, which is its entityID as well.
    pub(crate) fn url(&self, country: &str) -> String {
        let address = match country {
            DEAD => self.dead.local_addr().unwrap_or(self.origin.address),
            _ => self.origin.address,
        };
        format!("http://{address}/{}", path(country))
    }

    /// The name of a country's metadata in the store.
    pub(crate) fn name(&self, country: &str) -> Result<Name> {
        Ok(Name::new(&format!("metadata/{}", hex(self.url(country).as_bytes())))?)
    }

    /// Signs an anchor with the keys of today.
    pub(crate) fn publish_anchor(&self) -> Result<()> {
        self.hub.put("trust-anchor", self.publisher.jws(&self.keys()?)?);
        Ok(())
    }

    /// An anchor with another key for a country, under the signature of the one before.
    pub(crate) fn tamper_with_anchor(&mut self, country: &'static str) -> Result<()> {
        let genuine = self.publisher.jws(&self.keys()?)?;
        let own = self.signers.insert(country, signer(country)?);
        let forged = self.publisher.jws(&self.keys()?)?;
        if let Some(own) = own {
            self.signers.insert(country, own);
        }
        let signature = genuine.rsplit('.').next().context("a JWS has three parts")?;
        let signed = forged.rsplit_once('.').context("a JWS has three parts")?.0;
        self.hub.put("trust-anchor", format!("{signed}.{signature}"));
        Ok(())
    }

    /// The country has another key from now on. Neither the anchor nor the metadata says so yet.
    pub(crate) fn rotate(&mut self, country: &'static str) -> Result<()> {
        self.signers.insert(country, signer(country)?);
        Ok(())
    }

    /// The next anchor does not name the country.
    pub(crate) fn leave(&mut self, country: &str) {
        self.signers.remove(country);
    }

    /// What is published from now on says something else.
    pub(crate) fn next_edition(&mut self) {
        self.edition += 1;
    }

    /// The country signs its metadata anew.
    pub(crate) fn publish(&self, country: &str) -> Result<()> {
        self.serve(country, self.current(country)?);
        Ok(())
    }

    /// The server of a country answers with this.
    pub(crate) fn serve(&self, country: &str, document: String) {
        self.origin.put(&path(country), document);
    }

    /// Metadata for `entity`, signed by a country.
    pub(crate) fn metadata(&self, country: &str, entity: &str, valid_until: Timestamp) -> Result<String> {
        let signer = self.signers.get(country).context("the country has a key")?;
        let id = format!("_{country}-{}", self.edition);
        let role = format!(
            "<md:IDPSSODescriptor protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">\
             <md:KeyDescriptor use=\"signing\"><ds:KeyInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:X509Data>\
             <ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>\
             <md:SingleSignOnService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" Location=\"{entity}/sso\">\
             </md:SingleSignOnService></md:IDPSSODescriptor>",
            signer.certificate(),
        );
        // Italy describes a group of entities, all others one.
        let document = match country {
            "IT" => format!(
                "<md:EntitiesDescriptor xmlns:md=\"{METADATA}\" ID=\"{id}\" Name=\"{entity}\" validUntil=\"{valid_until}\">\
                 SIGNATURE<md:EntityDescriptor entityID=\"{entity}\">{role}</md:EntityDescriptor></md:EntitiesDescriptor>"
            ),
            _ => format!(
                "<md:EntityDescriptor xmlns:md=\"{METADATA}\" ID=\"{id}\" entityID=\"{entity}\" validUntil=\"{valid_until}\">\
                 SIGNATURE{role}</md:EntityDescriptor>"
            ),
        };
        signer.envelop(&document, &id)
    }

    /// What the country publishes in order.
    pub(crate) fn current(&self, country: &str) -> Result<String> {
        self.metadata(country, &self.url(country), self.valid_until)
    }

    /// No country answers before all that can be reached were asked.
    pub(crate) fn gate(&self) {
        self.origin.gate(COUNTRIES.len() - 1);
    }

    fn keys(&self) -> Result<Value> {
        let keys: Vec<Value> =
            self.signers.iter().map(|(country, signer)| signer.jwk(&self.url(country))).collect::<Result<_>>()?;
        Ok(json!({ "keys": keys }))
    }
}

fn path(country: &str) -> String {
    format!("{country}/metadata")
}

fn signer(country: &str) -> Result<Signer> {
    let kind = match country {
        "IE" | "HR" => Kind::RsaPkcs1,
        "DE" => Kind::RsaPss,
        _ => Kind::EcdsaP256,
    };
    Signer::self_signed(&format!("{country} metadata signing"), kind)
}
