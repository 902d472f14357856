use super::*;
use crate::{
    Failure, Reason,
    verify::xml::signing::{sign, verify},
};

fn evidence(document: &str) -> Result<Evidence, Failure> {
    verify(&SamlMetadata::new(), &sign(document))
}

fn entities(attributes: &str, content: &str) -> Result<Evidence, Failure> {
    evidence(&format!(
        r#"<EntitiesDescriptor xmlns="{METADATA}" xmlns:rpi="{PUBLICATION}" {attributes}>SIGNATURE{content}</EntitiesDescriptor>"#
    ))
}

#[test]
fn an_entity_says_what_it_is() {
    let document = format!(
        r#"<e:EntityDescriptor xmlns:e="{METADATA}" entityID="urn:a" Name="no">SIGNATURE</e:EntityDescriptor>"#
    );
    let found = evidence(&document).unwrap();
    assert_eq!((&*found.format, found.identity.as_deref(), found.entries), ("saml-metadata", Some("urn:a"), Some(1)));
    assert_eq!((found.valid_until, found.valid_from, found.mark), (None, None, None));
}

#[test]
fn entities_are_counted_wherever_the_schema_has_them() {
    let entity = "<EntityDescriptor entityID='x'/>";
    let nested = format!(
        "{entity}<EntitiesDescriptor>{entity}<EntitiesDescriptor>{entity}</EntitiesDescriptor></EntitiesDescriptor>{entity}"
    );
    assert_eq!(entities("Name='urn:f' entityID='no'", &nested).unwrap().entries, Some(4));
    assert_eq!(entities("Name='urn:f' entityID='no'", &nested).unwrap().identity.as_deref(), Some("urn:f"));
    // What an extension or another vocabulary has of that name is no entity.
    let others = format!(
        "<Extensions>{entity}</Extensions><x:EntityDescriptor xmlns:x='urn:x'/><x:y xmlns:x='urn:x'>{entity}</x:y>"
    );
    assert_eq!(entities("", &others).unwrap().entries, Some(0));
    assert_eq!(entities("", &format!("<EntityDescriptor>{entity}</EntityDescriptor>")).unwrap().entries, Some(1));
}

#[test]
fn the_mark_is_that_of_the_root_and_no_other() {
    let publication = r#"<rpi:PublicationInfo publisher="p" creationInstant="2026-11-01T06:00:00.5Z"/>"#;
    let extensions = format!("<Extensions>{publication}</Extensions>");
    let mark = Some(Mark::Issued("2026-11-01T06:00:00.500Z".parse().unwrap()));
    assert_eq!(entities("", &extensions).unwrap().mark, mark);
    for elsewhere in [
        format!("<EntityDescriptor>{extensions}</EntityDescriptor>"),
        format!("<Extensions><x:y xmlns:x='urn:x'>{publication}</x:y></Extensions>"),
        format!("<x:Extensions xmlns:x='urn:x'>{publication}</x:Extensions>"),
        publication.to_owned(),
        "<Extensions><rpi:PublicationInfo publisher='p'/></Extensions>".to_owned(),
        "<Extensions><PublicationInfo creationInstant='2026-11-01T06:00:00Z'/></Extensions>".to_owned(),
    ] {
        assert_eq!(entities("", &elsewhere).unwrap().mark, None, "{elsewhere}");
    }
    let twice = [format!("<Extensions>{publication}{publication}</Extensions>"), format!("{extensions}{extensions}")];
    for twice in twice {
        assert_eq!(entities("", &twice).unwrap_err().reason, Reason::MalformedDocument, "{twice}");
    }
}

#[test]
fn times_have_an_offset_or_say_no_moment() {
    let until =
        |text: &str| entities(&format!("validUntil='{text}'"), "").map(|found| found.valid_until.unwrap().to_string());
    assert_eq!(until(" 2035-01-01T00:00:00+01:00 ").unwrap(), "2034-12-31T23:00:00Z");
    assert_eq!(until("9999-12-31T23:59:59Z").unwrap(), "9999-12-30T22:00:00Z", "without end");
    for text in ["2035-01-01T00:00:00", "2035-01-01", "tomorrow", "", "-0001-01-01T00:00:00Z"] {
        let failure = until(text).unwrap_err();
        assert_eq!((failure.reason, &*failure.found), (Reason::MalformedDocument, text));
        let created = format!("<Extensions><rpi:PublicationInfo creationInstant='{text}'/></Extensions>");
        assert_eq!(entities("", &created).unwrap_err().reason, Reason::MalformedDocument);
    }
}

#[test]
fn other_documents_are_refused_before_their_signature_is_read() {
    for root in [
        "<EntityDescriptor>SIGNATURE</EntityDescriptor>".to_owned(),
        "<EntityDescriptor xmlns='urn:x'>SIGNATURE</EntityDescriptor>".to_owned(),
        format!("<RoleDescriptor xmlns='{METADATA}'>SIGNATURE</RoleDescriptor>"),
        format!("<x xmlns='urn:x'>SIGNATURE<EntityDescriptor xmlns='{METADATA}'/></x>"),
    ] {
        let failure = evidence(&root).unwrap_err();
        assert_eq!(failure.reason, Reason::MalformedDocument);
        assert_eq!(&*failure.expected, "md:EntityDescriptor or md:EntitiesDescriptor as document element");
    }
}

#[test]
fn the_signature_comes_first() {
    let document = |before: &str| {
        format!(
            "<EntityDescriptor xmlns='{METADATA}' entityID='urn:a'>{before}SIGNATURE<Extensions/></EntityDescriptor>"
        )
    };
    assert!(evidence(&document("\n\t ")).is_ok());
    for before in ["<Extensions/>", "x", "&#160;", &" ".repeat(17 * 1024)] {
        let failure = evidence(&document(before)).unwrap_err();
        assert_eq!(failure.reason, Reason::MalformedDocument);
        assert_eq!(&*failure.expected, "a ds:Signature as first child of the document element");
    }
}
