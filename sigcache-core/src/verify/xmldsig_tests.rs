use super::*;
use crate::{
    Failure, Reason,
    evidence::Mark,
    verify::xml::signing::{sign, verify},
};

fn list(content: &str) -> Result<Evidence, Failure> {
    let document = format!(
        "<TrustServiceStatusList xmlns='http://uri.etsi.org/02231/v2#' xmlns:x='urn:x'>{content}SIGNATURE</TrustServiceStatusList>"
    );
    verify(&XmlDsig::trusted_list(), &sign(&document))
}

fn scheme(content: &str) -> Result<Evidence, Failure> {
    list(&format!("<SchemeInformation>{content}</SchemeInformation>"))
}

#[test]
fn any_document_says_who_signed_it_and_no_more() {
    let found = verify(&XmlDsig::new(), &sign("<a><b validUntil='x'/>SIGNATURE text</a>")).unwrap();
    assert_eq!((&*found.format, &found.identity, found.valid_until, found.mark), ("xmldsig", &None, None, None));
    assert_eq!(found.entries, None);
}

#[test]
fn settings_tell_the_two_apart() {
    assert_ne!(XmlDsig::new().settings(), XmlDsig::trusted_list().settings());
}

#[test]
fn a_list_says_which_it_is_and_how_new() {
    let kind = "<TSLType> http://uri.etsi.org/TrstSvc/TrustedList/TSLType/EUgeneric\n</TSLType>";
    let issued = "<ListIssueDateTime>2026-10-04T11:00:00Z</ListIssueDateTime>";
    let found = scheme(&format!(
        "<TSLSequenceNumber>7</TSLSequenceNumber>{kind}<SchemeTerritory>BE</SchemeTerritory>{issued}\
         <NextUpdate><dateTime>2027-04-04T00:00:00Z</dateTime></NextUpdate>"
    ));
    let found = found.unwrap();
    assert_eq!(found.identity.as_deref(), Some("BE/EUgeneric"));
    assert_eq!(found.mark, Some(Mark::Sequence(7)));
    assert_eq!(found.valid_until.unwrap().to_string(), "2027-04-04T00:00:00Z");
    assert_eq!(found.entries, Some(0));
    // Without a number, the time of issue; and a list that is closed has no next update.
    let found =
        scheme(&format!("{issued}<NextUpdate/><TSLType>urn:other</TSLType><SchemeTerritory>X</SchemeTerritory>"));
    let found = found.unwrap();
    assert_eq!(found.identity.as_deref(), Some("X/urn:other"));
    assert_eq!(found.mark, Some(Mark::Issued("2026-10-04T11:00:00Z".parse().unwrap())));
    assert_eq!(found.valid_until, None);
    assert_eq!(list("").unwrap().identity, None);
    assert_eq!(scheme("<SchemeTerritory>X</SchemeTerritory>").unwrap().identity, None);
}

#[test]
fn values_elsewhere_are_not_the_lists_own() {
    let number = "<TSLSequenceNumber>7</TSLSequenceNumber>";
    for elsewhere in [
        number.to_owned(),
        format!("<TrustServiceProviderList>{number}</TrustServiceProviderList>"),
        format!("<x:SchemeInformation>{number}</x:SchemeInformation>"),
        format!("<SchemeInformation><x:y>{number}</x:y></SchemeInformation>"),
        format!("<SchemeInformation><NextUpdate>{number}</NextUpdate></SchemeInformation>"),
        "<SchemeInformation><x:TSLSequenceNumber>7</x:TSLSequenceNumber></SchemeInformation>".to_owned(),
        format!("<x:y><SchemeInformation>{number}</SchemeInformation></x:y>"),
    ] {
        assert_eq!(list(&elsewhere).unwrap().mark, None, "{elsewhere}");
    }
    // Elements in a value are no part of it.
    assert_eq!(scheme("<TSLSequenceNumber>7<x:y>8</x:y></TSLSequenceNumber>").unwrap().mark, Some(Mark::Sequence(7)));
}

#[test]
fn what_cannot_be_is_refused() {
    let long = format!("<TSLSequenceNumber>{}7</TSLSequenceNumber>", "0".repeat(2000));
    for content in [
        &long,
        "<TSLSequenceNumber>seven</TSLSequenceNumber>",
        "<TSLSequenceNumber>-7</TSLSequenceNumber>",
        "<TSLSequenceNumber>18446744073709551616</TSLSequenceNumber>",
        "<TSLSequenceNumber>7</TSLSequenceNumber><TSLSequenceNumber>8</TSLSequenceNumber>",
        "</SchemeInformation><SchemeInformation><SchemeTerritory>A</SchemeTerritory><SchemeTerritory>B</SchemeTerritory>",
        "<TSLSequenceNumber/></SchemeInformation><SchemeInformation><TSLSequenceNumber/>",
        "<NextUpdate><dateTime>soon</dateTime></NextUpdate>",
        "<NextUpdate><dateTime>2027-04-04T00:00:00</dateTime></NextUpdate>",
        "<ListIssueDateTime>yesterday</ListIssueDateTime>",
    ] {
        assert_eq!(scheme(content).map_err(|failure| failure.reason), Err(Reason::MalformedDocument), "{content}");
    }
    for root in [
        "<TrustServiceStatusList>SIGNATURE</TrustServiceStatusList>",
        "<x xmlns='http://uri.etsi.org/02231/v2#'>SIGNATURE</x>",
    ] {
        let failure = verify(&XmlDsig::trusted_list(), &sign(root)).unwrap_err();
        assert_eq!(
            (failure.reason, &*failure.expected),
            (Reason::MalformedDocument, "TrustServiceStatusList as document element")
        );
    }
}

#[test]
fn providers_and_pointers_are_counted() {
    let providers = "<TrustServiceProviderList><TrustServiceProvider/><TrustServiceProvider><TrustServiceProvider/></TrustServiceProvider></TrustServiceProviderList>";
    let pointers = "<SchemeInformation><PointersToOtherTSL><OtherTSLPointer/><x:OtherTSLPointer/></PointersToOtherTSL></SchemeInformation>";
    assert_eq!(list(&format!("{pointers}{providers}")).unwrap().entries, Some(3));
}
