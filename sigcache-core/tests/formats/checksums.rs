//! `checksums`

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sigcache_core::{
    Failure, Mark, Reason, Timestamp, hex,
    trust::{HashKind, Trust},
    verify::{Checksums, Detached, Finding, Minisign, Need, Signify, Ssh, Verifier},
};

use crate::support::{Case, fixture, installed, public, script, sign, signers, trust};

const DOCUMENT: &[u8] = b"a document\n";

/// A list signed by key 1 of ours, as signify does it.
struct Signed {
    verifier: Checksums,
    trust: Trust,
}

impl Signed {
    fn new() -> Self {
        let verifier = Checksums::new("SHA256SUMS", Arc::new(Signify::new(".sig")));
        Self { verifier, trust: trust(&[&public_key(1, 7)], 1) }
    }

    fn find(&self, name: &str, list: &str, document: &[u8]) -> Result<Finding, Failure> {
        let case = Case::new(&self.verifier, &self.trust).named(name);
        case.find(&[Some(list.as_bytes()), Some(&signature(1, 7, list.as_bytes()))], document)
    }

    #[track_caller]
    fn good(&self, list: &str) {
        let evidence =
            self.find("dir/file", list, DOCUMENT).unwrap_or_else(|failure| panic!("{list}: {failure}")).evidence;
        assert_eq!((&*evidence.format, evidence.identity.as_deref()), ("checksums", Some("file")));
        assert_eq!((signers(&evidence), evidence.size), (vec!["k1"], DOCUMENT.len() as u64));
    }

    #[track_caller]
    fn refused(&self, list: &str) -> Failure {
        self.find("dir/file", list, DOCUMENT).unwrap_err()
    }
}

fn public_key(seed: u8, number: u8) -> Vec<u8> {
    let bytes = [&b"Ed"[..], &[number; 8], &public(seed)].concat();
    format!("untrusted comment: x\n{}\n", STANDARD.encode(bytes)).into_bytes()
}

fn signature(seed: u8, number: u8, list: &[u8]) -> Vec<u8> {
    let bytes = [&b"Ed"[..], &[number; 8], &sign(seed, list)].concat();
    format!("untrusted comment: x\n{}\n", STANDARD.encode(bytes)).into_bytes()
}

fn digits(kind: HashKind, document: &[u8]) -> String {
    hex(kind.of(document).as_bytes())
}

fn sha256(document: &[u8]) -> String {
    digits(HashKind::Sha256, document)
}

#[test]
fn every_form_of_a_line_is_read() {
    let signed = Signed::new();
    let sha256 = sha256(DOCUMENT);
    for (kind, label) in [(HashKind::Sha256, "SHA256"), (HashKind::Sha384, "SHA384"), (HashKind::Sha512, "SHA512")] {
        let digits = digits(kind, DOCUMENT);
        for line in [
            format!("{digits}  file"),
            format!("{digits} *file"),
            format!("{digits}  ./file"),
            format!("{}  file", digits.to_uppercase()),
            format!("{label} (file) = {digits}"),
            format!("{label} (./file) = {digits}"),
        ] {
            for list in [line.clone(), format!("{line}\n"), format!("{line}\r\n"), format!("# x\n\n{line}\n\n")] {
                signed.good(&list);
            }
        }
    }
    // Several digests of one file must all match.
    let (other, sha512) = (digits(HashKind::Sha256, b"x"), digits(HashKind::Sha512, DOCUMENT));
    signed.good(&format!("{sha256}  file\nSHA512 (file) = {sha512}\n"));
    let failure = signed.refused(&format!("{other}  file\nSHA512 (file) = {sha512}\n"));
    assert_eq!(failure.reason, Reason::SignatureMismatch);
    // Names that look like the other form, or like nothing.
    for name in ["(a) = b", "a (b) = c", " a", "*a", "a  b", "ü", "#a", "a\u{1b}[2J"] {
        let list = format!("{sha256}  {name}\nSHA256 ({name}) = {}\n", "0".repeat(64));
        assert_eq!(signed.refused(&list).reason, Reason::IdentityMissing, "{name}");
        let found = Case::new(&signed.verifier, &signed.trust).identity(name);
        let list = format!("{sha256}  {name}\n");
        found.find(&[Some(list.as_bytes()), Some(&signature(1, 7, list.as_bytes()))], DOCUMENT).unwrap();
    }
}

#[test]
fn names_are_escaped_as_coreutils_does_it() {
    let signed = Signed::new();
    let sha256 = sha256(DOCUMENT);
    let find = |name: &str, list: &str| {
        let case = Case::new(&signed.verifier, &signed.trust).identity(name);
        case.find(&[Some(list.as_bytes()), Some(&signature(1, 7, list.as_bytes()))], DOCUMENT)
    };
    let reason = |name: &str, list: &str| find(name, list).unwrap_err().reason;
    find("a\\b\nc\rd", &format!("\\{sha256}  a\\\\b\\nc\\rd\n")).unwrap();
    find("a\\b", &format!("\\SHA256 (a\\\\b) = {sha256}\n")).unwrap();
    // Without the backslash before the line it is a letter like any other.
    find("a\\nb", &format!("{sha256}  a\\nb\n")).unwrap();
    assert_eq!(reason("a\nb", &format!("{sha256}  a\\nb\n")), Reason::IdentityMissing);
    for bad in ["a\\tb", "a\\", "a\\\\\\"] {
        assert_eq!(reason("a", &format!("\\{sha256}  {bad}\n")), Reason::MalformedSignature, "{bad}");
    }
}

#[test]
fn attack_identity_swap_a_listed_file_under_the_name_of_another() {
    let signed = Signed::new();
    let list = format!("{}  file\n{}  other\n{}  dir/file\n", sha256(DOCUMENT), sha256(b"other"), sha256(b"third"));
    signed.good(&list);
    let refused = |name: &str, document: &[u8]| signed.find(name, &list, document).unwrap_err();
    let failure = refused("file", b"other");
    assert_eq!(failure.reason, Reason::IdentityMismatch);
    assert_eq!((&*failure.expected, &*failure.found), ("file", "what the list calls other"));
    assert_eq!(refused("file", b"third").reason, Reason::IdentityMismatch);
    // Not in the list: nothing is read of it.
    for name in ["nothing", "File", "dir/fil", "other.sig"] {
        let failure = refused(name, DOCUMENT);
        assert_eq!(failure.reason, Reason::IdentityMissing);
        assert_eq!(&*failure.found, "none among 3 lines");
    }
    // In no line at all: it is not what was signed.
    let failure = refused("file", b"tampered");
    assert_eq!(failure.reason, Reason::SignatureMismatch);
    let expected = "a document with the SHA-256 that the signed list has for file";
    assert_eq!((&*failure.expected, &*failure.found), (expected, "a document with another"));
    // Where the configuration says the identity, it is the name in the list.
    let case = |identity| Case::new(&signed.verifier, &signed.trust).named("a/b").identity(identity);
    let files = [Some(list.as_bytes()), Some(&signature(1, 7, list.as_bytes())[..])];
    assert_eq!(case("dir/file").find(&files, b"third").unwrap().evidence.identity.as_deref(), Some("dir/file"));
    assert_eq!(case("file").find(&files, b"third").unwrap_err().reason, Reason::IdentityMismatch);
    // The same content under two names is either.
    let twins = format!("{0}  file\n{0}  copy\n", sha256(DOCUMENT));
    signed.good(&twins);
    assert_eq!(signed.find("x/copy", &twins, DOCUMENT).unwrap().evidence.identity.as_deref(), Some("copy"));
}

#[test]
fn a_name_stands_in_one_line() {
    let signed = Signed::new();
    let (good, other) = (sha256(DOCUMENT), sha256(b"x"));
    for list in [
        format!("{good}  file\n{other}  file\n"),
        format!("{other}  file\n{good}  file\n"),
        format!("{good}  file\n{good} *file\n"),
        format!("{good}  file\nSHA256 (file) = {other}\n"),
        format!("{good}  file\n{other}  ./file\n"),
    ] {
        let failure = signed.refused(&list);
        assert_eq!(failure.reason, Reason::MalformedSignature, "{list}");
        assert_eq!((&*failure.expected, &*failure.found), ("one line for file in the signed list", "2"));
    }
}

#[test]
fn a_line_that_is_not_understood_refuses_the_list() {
    let signed = Signed::new();
    let good = format!("{}  file", sha256(DOCUMENT));
    let (sha256, sha512) = ("0".repeat(64), "0".repeat(128));
    for (line, fault) in [
        ("nonsense".to_owned(), "neither of the forms"),
        ("<!DOCTYPE html>".to_owned(), "neither two spaces nor a space and a star"),
        ("-----BEGIN PGP SIGNED MESSAGE-----".to_owned(), "neither two spaces nor a space and a star"),
        (format!("{sha256} other"), "neither two spaces nor a space and a star"),
        (format!("{sha256}\t other"), "neither two spaces nor a space and a star"),
        (sha256.clone(), "neither of the forms"),
        (format!("{sha256}  "), "no name"),
        (format!("{sha256}  ./"), "no name"),
        (format!("  {sha256}  other"), "another number of digits"),
        (format!("{}  other", &sha256[1..]), "no hexadecimal digits"),
        (format!("{}  other", &sha256[2..]), "another number of digits"),
        (format!("{}g  other", &sha256[1..]), "no hexadecimal digits"),
        (format!("{}  other", &sha256[..32]), "MD5, which proves nothing any more"),
        (format!("{}  other", &sha256[..40]), "SHA-1, which proves nothing any more"),
        (format!("{}  other", &sha256[..56]), "another number of digits"),
        (format!("MD5 (other) = {}", &sha256[..32]), "MD5, which proves nothing any more"),
        (format!("SHA1 (other) = {}", &sha256[..40]), "SHA-1, which proves nothing any more"),
        (format!("MD5 (other) = {sha256}"), "MD5, which proves nothing any more"),
        (format!("SHA512 (other) = {sha256}"), "another number of digits"),
        (format!("SHA256 (other) = {sha512}"), "another number of digits"),
        (format!("SHA512/256 (other) = {sha256}"), "a digest of another kind"),
        (format!("SHA3-256 (other) = {sha256}"), "a digest of another kind"),
        (format!("BLAKE2b (other) = {sha512}"), "a digest of another kind"),
        (format!("sha256 (other) = {sha256}"), "a digest of another kind"),
        (format!("SHA256(other)= {sha256}"), "neither two spaces nor a space and a star"),
        (format!("SHA256 (other) = {sha256} "), "no hexadecimal digits"),
        (format!("SHA256 () = {sha256}"), "no name"),
    ] {
        // Before and behind a sound line, about this file and about another.
        for list in [format!("{line}\n{good}\n"), format!("{good}\n{line}\n"), line.replace("other", "file")] {
            let failure = signed.refused(&list);
            assert_eq!(failure.reason, Reason::MalformedSignature, "{list}");
            assert!(failure.found.ends_with(fault), "{line}: {}", failure.found);
        }
    }
    let list = [good.as_bytes(), b"\n\xff"].concat();
    let case = Case::new(&signed.verifier, &signed.trust).named("file");
    let failure = case.find(&[Some(&list), Some(&signature(1, 7, &list))], DOCUMENT).unwrap_err();
    assert_eq!((failure.reason, &*failure.found), (Reason::MalformedSignature, "a list that is not UTF-8"));
    assert_eq!(signed.refused("").reason, Reason::IdentityMissing);
}

#[test]
fn nothing_of_a_list_is_read_before_its_signature_matched() {
    let signed = Signed::new();
    let case = Case::new(&signed.verifier, &signed.trust).named("file");
    let good = format!("{}  file\n", sha256(DOCUMENT));
    let nonsense = "nonsense";
    let by = |list: &[u8], signature: &[u8]| case.find(&[Some(list), Some(signature)], DOCUMENT).unwrap_err().reason;
    assert_eq!(by(nonsense.as_bytes(), &signature(1, 7, good.as_bytes())), Reason::SignatureMismatch);
    assert_eq!(by(good.as_bytes(), &signature(2, 7, good.as_bytes())), Reason::SignatureMismatch);
    assert_eq!(by(good.as_bytes(), &signature(2, 8, good.as_bytes())), Reason::KeyUnknown);
    assert_eq!(by(good.as_bytes(), b"nonsense"), Reason::MalformedSignature);
    for (files, reason) in [
        ([None, None], Reason::CompanionMissing),
        ([None, Some(&signature(1, 7, b"")[..])], Reason::CompanionMissing),
        ([Some(good.as_bytes()), None], Reason::CompanionMissing),
    ] {
        assert_eq!(case.find(&files, DOCUMENT).unwrap_err().reason, reason);
    }
    let needs: Vec<Need> = signed.verifier.companions().iter().map(|companion| companion.need).collect();
    assert_eq!(needs, [Need::Required, Need::Required]);
}

#[cfg(feature = "conformance")]
#[test]
fn the_contract_of_all_verifiers_holds() {
    let signed = Signed::new();
    let list = format!("{}  file\n{}  other\n", sha256(DOCUMENT), sha256(b"other"));
    let case = Case::new(&signed.verifier, &signed.trust).named("file");
    let foreign = trust(&[&public_key(2, 8)], 1);
    let files = [list.as_bytes(), &signature(1, 7, list.as_bytes())];
    crate::support::contract(&case, &foreign, &files, DOCUMENT);
}

#[test]
fn two_signatures_of_a_list_and_what_they_say() {
    let minisign = Minisign::new(".minisig").with_suffix(".minisig2");
    let verifier = Checksums::new("SHA256SUMS", Arc::new(minisign.with_file_in_comment().with_timestamp_in_comment()));
    let keys = trust(&[&public_key(1, 7), &public_key(2, 8)], 2);
    let list = format!("{}  file\n", sha256(DOCUMENT));
    let made = |seed: u8, number: u8, comment: &str| {
        let hash = <blake2::Blake2b512 as blake2::Digest>::digest(list.as_bytes());
        let signature = sign(seed, &hash);
        let first = STANDARD.encode([&b"ED"[..], &[number; 8], &signature].concat());
        let both = STANDARD.encode(sign(seed, &[&signature, comment.as_bytes()].concat()));
        format!("untrusted comment: x\n{first}\ntrusted comment: {comment}\n{both}\n").into_bytes()
    };
    let case = Case::new(&verifier, &keys).named("file");
    let find = |one: Option<&[u8]>, two: Option<&[u8]>| case.find(&[Some(list.as_bytes()), one, two], DOCUMENT);
    let (one, two) = (made(1, 7, "file:SHA256SUMS\ttimestamp:20"), made(2, 8, "file:SHA256SUMS\ttimestamp:10"));
    let finding = find(Some(&one), Some(&two)).unwrap();
    assert_eq!(signers(&finding.evidence), ["k1", "k2"]);
    assert_eq!(finding.evidence.mark, Some(Mark::Issued(Timestamp::from_millis(10_000))), "the list's");
    assert_eq!(finding.evidence.identity.as_deref(), Some("file"), "the document's");
    assert_eq!(finding.evidence.comment.as_deref(), Some("file:SHA256SUMS\ttimestamp:20"));
    // The comment names the list, not the document.
    let other = made(2, 8, "file:file\ttimestamp:10");
    assert_eq!(find(Some(&one), Some(&other)).unwrap_err().reason, Reason::IdentityMismatch);
    // What a stranger signed is not kept; the numbers are those of all companions.
    let stranger = made(3, 9, "file:SHA256SUMS\ttimestamp:5");
    let finding = find(Some(&stranger), Some(&two)).unwrap();
    assert_eq!(signers(&finding.evidence), ["k2"]);
    assert_eq!([0, 1, 2].map(|number| finding.rests_on(number)), [true, false, true]);
    let alone = find(None, Some(&two)).unwrap();
    assert_eq!(signers(&alone.evidence), ["k2"]);
    assert_eq!(find(None, None).unwrap_err().reason, Reason::CompanionMissing);
}

#[test]
fn settings_differ_where_something_else_would_be_established() {
    let lists: [(&str, Arc<dyn Verifier>); 5] = [
        ("SHA256SUMS", Arc::new(Signify::new(".sig"))),
        ("SHA512SUMS", Arc::new(Signify::new(".sig"))),
        ("SHA256SUMS", Arc::new(Signify::embedded())),
        ("SHA256SUMS", Arc::new(Ssh::new(".sig", "file"))),
        ("SHA256SUMS", Arc::new(Minisign::new(".sig"))),
    ];
    let settings: Vec<_> = lists.into_iter().map(|(list, inner)| Checksums::new(list, inner).settings()).collect();
    for (index, one) in settings.iter().enumerate() {
        assert!(!settings[..index].contains(one));
    }
}

#[test]
fn lists_that_the_tools_write_and_sign_today() {
    if ["minisign", "signify-openbsd", "ssh-keygen", "openssl"].iter().any(|program| !installed(program)) {
        return;
    }
    let folder = script(
        "sha256sum file other > GNU; sha256sum -b file other > BINARY; sha512sum file > GNU512
         sha256sum --tag file other > BSD; sha384sum --tag file > BSD384; find . -type f -exec sha256sum {} + > FOUND
         minisign -GW -p minisign.pub -s minisign.key > /dev/null
         signify-openbsd -Gn -p signify.pub -s signify.sec
         ssh-keygen -q -N '' -t ed25519 -f ssh
         openssl ecparam -genkey -name prime256v1 -noout -out p256; openssl ec -in p256 -pubout -out p256.pub 2> /dev/null
         for list in GNU BINARY GNU512 BSD BSD384 FOUND; do
             minisign -Sm $list -s minisign.key > /dev/null
             signify-openbsd -Ss signify.sec -m $list -x $list.signify
             signify-openbsd -Ses signify.sec -m $list -x $list.embedded
             ssh-keygen -q -Y sign -n file -f ssh < $list > $list.ssh
             openssl dgst -sha256 -sign p256 -out $list.p256 $list
         done",
        &[("file", DOCUMENT), ("other", b"other")],
    );
    let read = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
    let formats: [(&str, Arc<dyn Verifier>, &str, &str); 5] = [
        ("", Arc::new(Minisign::new(".minisig").with_file_in_comment()), "minisign.pub", ".minisig"),
        ("", Arc::new(Signify::new(".signify")), "signify.pub", ".signify"),
        (".embedded", Arc::new(Signify::embedded()), "signify.pub", ""),
        ("", Arc::new(Ssh::new(".ssh", "file")), "ssh.pub", ".ssh"),
        ("", Arc::new(Detached::new(".p256")), "p256.pub", ".p256"),
    ];
    for (ending, inner, key, suffix) in formats {
        for list in ["GNU", "BINARY", "GNU512", "BSD", "BSD384", "FOUND"] {
            let name = format!("{list}{ending}");
            let verifier = Checksums::new(&name, inner.clone());
            let keys = trust(&[&read(key)], 1);
            let file = read(&name);
            let signature = (!suffix.is_empty()).then(|| read(&format!("{list}{suffix}")));
            let mut files = vec![Some(&file[..])];
            files.extend(signature.as_deref().map(Some));
            let case = |name| Case::new(&verifier, &keys).named(name);
            case("a/file").find(&files, DOCUMENT).unwrap_or_else(|failure| panic!("{name}: {failure}"));
            assert_eq!(case("file").find(&files, b"x").unwrap_err().reason, Reason::SignatureMismatch, "{name}");
            assert_eq!(case("third").find(&files, b"x").unwrap_err().reason, Reason::IdentityMissing, "{name}");
        }
    }
    // OpenBSD's own way: signify checks the files too.
    assert!(fixture("signify/embedded.sig").starts_with(b"untrusted comment"));
}
