//! `ssh`

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sigcache_core::{
    Reason, Timestamp,
    trust::{HashKind, Trust, TrustedKey},
    verify::{Need, Ssh, Verifier as _},
};

use crate::support::{Case, document, fixture, installed, public, script, sign, signers, text, trust};

fn plain() -> Ssh {
    Ssh::new(".sig", "file")
}

fn one(name: &str) -> Trust {
    trust(&[&fixture(&format!("ssh/{name}.pub"))], 1)
}

/// The four keys of the file, under the id `t`.
fn allowed() -> Trust {
    Trust::new(TrustedKey::read("t", &fixture("ssh/allowed_signers")).unwrap(), 1).unwrap()
}

fn string(bytes: &[u8]) -> Vec<u8> {
    [&u32::try_from(bytes.len()).unwrap().to_be_bytes()[..], bytes].concat()
}

fn armor(blob: &[u8]) -> Vec<u8> {
    format!("-----BEGIN SSH SIGNATURE-----\n{}\n-----END SSH SIGNATURE-----\n", STANDARD.encode(blob)).into_bytes()
}

fn dearmor(file: &[u8]) -> Vec<u8> {
    let text = std::str::from_utf8(file).unwrap();
    STANDARD.decode(text.lines().filter(|line| !line.starts_with('-')).collect::<String>()).unwrap()
}

/// The parts of a signature by a key of our own, to be put together in any way.
#[derive(Clone)]
struct Parts {
    magic: Vec<u8>,
    version: u32,
    key: Vec<u8>,
    namespace: &'static [u8],
    reserved: &'static [u8],
    hash: &'static [u8],
    kind: &'static [u8],
    signature: Option<Vec<u8>>,
}

impl Parts {
    fn new(seed: u8) -> Self {
        Self {
            magic: b"SSHSIG".to_vec(),
            version: 1,
            key: ed25519(seed),
            namespace: b"file",
            reserved: b"",
            hash: b"sha512",
            kind: b"ssh-ed25519",
            signature: None,
        }
    }

    fn blob(&self, seed: u8, document: &[u8]) -> Vec<u8> {
        let hash = match self.hash {
            b"sha256" => HashKind::Sha256.of(document),
            _ => HashKind::Sha512.of(document),
        };
        let fields = [string(self.namespace), string(self.reserved), string(self.hash)].concat();
        let signature = match &self.signature {
            Some(signature) => signature.clone(),
            None => sign(seed, &[&b"SSHSIG"[..], &fields, &string(hash.as_bytes())].concat()).to_vec(),
        };
        let signature = string(&[string(self.kind), string(&signature)].concat());
        [&self.magic[..], &self.version.to_be_bytes(), &string(&self.key), &fields, &signature].concat()
    }
}

fn ed25519(seed: u8) -> Vec<u8> {
    [string(b"ssh-ed25519"), string(&public(seed))].concat()
}

fn line(seed: u8) -> Vec<u8> {
    format!("ssh-ed25519 {}", STANDARD.encode(ed25519(seed))).into_bytes()
}

#[test]
fn what_ssh_keygen_made_verifies_with_every_kind_of_key() {
    let (verifier, document) = (plain(), document());
    for name in ["ed25519", "nistp256", "nistp384", "rsa"] {
        let keys = one(name);
        let case = Case::new(&verifier, &keys);
        let file = fixture(&format!("ssh/{name}.sig"));
        let evidence = case.good(&file, &document);
        assert_eq!((&*evidence.format, signers(&evidence)), ("ssh", vec!["k1"]), "{name}");
        assert_eq!(case.reason(&file, b"another\n"), Reason::SignatureMismatch, "{name}");
        let other = one(if name == "ed25519" { "rsa" } else { "ed25519" });
        let failure = Case::new(&verifier, &other).refused(&file, &document);
        assert_eq!(failure.reason, Reason::KeyUnknown, "{name}");
        assert!(failure.found.starts_with("the key SHA256:"), "{}", failure.found);
    }
    let keys = one("ed25519");
    Case::new(&verifier, &keys).good(&fixture("ssh/ed25519-sha256.sig"), &document);
    // The key in another form is the same key.
    let keys = trust(&[&fixture("ssh/rsa.pem")], 1);
    Case::new(&verifier, &keys).good(&fixture("ssh/rsa.sig"), &document);
    // P-521 cannot be configured, so nobody who is configured signed with it.
    let failure = Case::new(&verifier, &keys).refused(&fixture("ssh/nistp521.sig"), &document);
    assert_eq!(failure.reason, Reason::KeyUnknown);
    assert!(failure.found.ends_with("found ecdsa-sha2-nistp521"), "{}", failure.found);
}

#[test]
fn attack_a_signature_that_was_made_for_something_else() {
    let (keys, document) = (one("ed25519"), document());
    let (file, git) = (fixture("ssh/ed25519.sig"), fixture("ssh/ed25519-git.sig"));
    let failure = Case::new(&plain(), &keys).refused(&git, &document);
    assert_eq!(failure.reason, Reason::MalformedSignature);
    assert_eq!((&*failure.expected, &*failure.found), ("a signature for the namespace file", "one for git"));
    let for_git = Ssh::new(".sig", "git");
    Case::new(&for_git, &keys).good(&git, &document);
    assert_eq!(Case::new(&for_git, &keys).reason(&file, &document), Reason::MalformedSignature);
    // The namespace is signed: another one cannot be written over it.
    let mut swapped = dearmor(&git);
    let at = swapped.windows(7).position(|bytes| bytes == b"\0\0\0\x03git").unwrap();
    swapped.splice(at..at + 7, string(b"file"));
    assert_eq!(Case::new(&plain(), &keys).reason(&armor(&swapped), &document), Reason::SignatureMismatch);
}

#[test]
fn an_allowed_signers_file_says_who_may_sign_what_and_when() {
    let (keys, document) = (allowed(), document());
    let file = |name: &str| fixture(&format!("ssh/{name}.sig"));
    let verifier = plain();
    let case = Case::new(&verifier, &keys);
    assert_eq!(signers(&case.good(&file("ed25519"), &document)), ["t:alice@example.org,alice@example.com"]);
    assert_eq!(signers(&case.good(&file("nistp256"), &document)), ["t:bob@example.org"]);
    // The namespaces of the line.
    let failure = case.refused(&file("nistp384"), &document);
    assert_eq!(failure.reason, Reason::KeyUnknown);
    assert_eq!(&*failure.found, "t:bob@example.org#2, which may not sign in the namespace file");
    let for_git = Ssh::new(".sig", "git");
    Case::new(&for_git, &keys).good(&file("ed25519-git"), &document);
    // The principals.
    for (principal, name, good) in [
        ("alice@example.org", "ed25519", true),
        ("alice@example.com", "ed25519", true),
        ("alice@example.net", "ed25519", false),
        ("bob@example.org", "ed25519", false),
        ("bob@example.org", "nistp256", true),
        ("carol@example.net", "rsa", true),
        ("eve@example.net", "rsa", false),
    ] {
        let verifier = plain().with_principal(principal);
        let case = Case::new(&verifier, &keys);
        match good {
            true => drop(case.good(&file(name), &document)),
            false => {
                let failure = case.refused(&file(name), &document);
                assert_eq!(failure.reason, Reason::KeyUnknown, "{principal} {name}");
                assert!(failure.found.ends_with(&format!("which is not the key of {principal}")), "{}", failure.found);
            }
        }
    }
    // A key that came from elsewhere is nobody's.
    let verifier = plain().with_principal("alice@example.org");
    assert_eq!(Case::new(&verifier, &one("ed25519")).reason(&file("ed25519"), &document), Reason::KeyUnknown);
    // The validity: judged as that of every key, by the time of the run.
    let signed = |name: &str| case.good(&file(name), &document);
    let judged =
        |name: &str, at: &str| keys.judge(&signed(name), at.parse().unwrap()).map_err(|failure| failure.reason);
    assert_eq!(judged("ed25519", "2019-12-31T23:59:59Z"), Err(Reason::KeyNotYetValid));
    assert_eq!(judged("ed25519", "2020-01-01T00:00:00Z"), Ok(()));
    assert_eq!(judged("nistp256", "2030-01-01T12:00:00Z"), Ok(()));
    assert_eq!(judged("nistp256", "2030-01-01T12:00:01Z"), Err(Reason::KeyExpired));
}

#[test]
fn what_is_no_signature_is_malformed() {
    let (verifier, keys, document) = (plain(), one("ed25519"), document());
    let case = Case::new(&verifier, &keys);
    let good = text("ssh/ed25519.sig");
    for same in [
        good.replace('\n', "\r\n"),
        good.trim_end().to_owned(),
        format!("{good}\n\n"),
        String::from_utf8(armor(&dearmor(good.as_bytes()))).unwrap(),
    ] {
        case.good(same.as_bytes(), &document);
    }
    let blob = dearmor(good.as_bytes());
    for broken in [
        Vec::new(),
        b"<!DOCTYPE html>".to_vec(),
        blob.clone(),
        STANDARD.encode(&blob).into_bytes(),
        format!("\n{good}").into_bytes(),
        format!("{good}x").into_bytes(),
        format!("{good}{good}").into_bytes(),
        good.replace("BEGIN", "BEGINN").into_bytes(),
        good.replace("-----END SSH SIGNATURE-----", "").into_bytes(),
        good.replace("\n-----END", "-----END").into_bytes(),
        good.replace("SSH", "PGP").into_bytes(),
        good.replacen("U1N", "U1 N", 1).into_bytes(),
        good.replacen("U1N", "U1\tN", 1).into_bytes(),
        good.replace("SIGNATURE-----\n", &format!("SIGNATURE-----\n{}", "\n".repeat(8200))).into_bytes(),
        armor(&[]),
        armor(&blob[..blob.len() - 1]),
        armor(&[&blob[..], &[0]].concat()),
        [good.as_bytes(), b"\xff"].concat(),
        fixture("ssh/ed25519.pub"),
        fixture("ssh/ed25519"),
        fixture("minisign/document.minisig"),
    ] {
        assert_eq!(case.reason(&broken, &document), Reason::MalformedSignature, "{}", String::from_utf8_lossy(&broken));
    }
}

#[test]
fn attack_algorithm_confusion_and_fields_that_are_not_understood() {
    let document = b"a document";
    let keys = trust(&[&line(1)], 1);
    let verifier = plain();
    let case = Case::new(&verifier, &keys);
    let parts = Parts::new(1);
    case.good(&armor(&parts.blob(1, document)), document);
    case.good(&armor(&Parts { hash: b"sha256", ..parts.clone() }.blob(1, document)), document);
    use Reason as R;
    let rsa = dearmor(&fixture("ssh/rsa.sig"));
    let rsa_key = rsa[14..14 + u32::from_be_bytes(rsa[10..14].try_into().unwrap()) as usize].to_vec();
    let hardware = [string(b"sk-ssh-ed25519@openssh.com"), string(&public(1)), string(b"ssh:")].concat();
    let weak = [string(b"ssh-ed25519"), string(&[0; 32])].concat();
    let table: Vec<(&str, Parts, Reason)> = vec![
        ("magic", Parts { magic: b"SSHSIX".to_vec(), ..parts.clone() }, R::MalformedSignature),
        ("version 0", Parts { version: 0, ..parts.clone() }, R::MalformedSignature),
        ("version 2", Parts { version: 2, ..parts.clone() }, R::MalformedSignature),
        ("no namespace", Parts { namespace: b"", ..parts.clone() }, R::MalformedSignature),
        ("longer namespace", Parts { namespace: b"file\0", ..parts.clone() }, R::MalformedSignature),
        ("reserved", Parts { reserved: b"x", ..parts.clone() }, R::MalformedSignature),
        ("md5", Parts { hash: b"md5", ..parts.clone() }, R::MalformedSignature),
        ("sha384", Parts { hash: b"sha384", ..parts.clone() }, R::MalformedSignature),
        ("SHA512", Parts { hash: b"SHA512", ..parts.clone() }, R::MalformedSignature),
        ("RSA with SHA-1", Parts { kind: b"ssh-rsa", ..parts.clone() }, R::MalformedSignature),
        ("DSA", Parts { kind: b"ssh-dss", ..parts.clone() }, R::MalformedSignature),
        ("another algorithm than the key's", Parts { kind: b"rsa-sha2-512", ..parts.clone() }, R::SignatureMismatch),
        ("by hardware", Parts { kind: b"sk-ssh-ed25519@openssh.com", ..parts.clone() }, R::MalformedSignature),
        ("a key in hardware", Parts { key: hardware, ..parts.clone() }, R::KeyUnknown),
        ("a key of small order", Parts { key: weak, ..parts.clone() }, R::KeyUnknown),
        ("another key", Parts { key: ed25519(2), ..parts.clone() }, R::KeyUnknown),
        (
            "a key with more behind it",
            Parts { key: [ed25519(1), vec![0]].concat(), ..parts.clone() },
            R::MalformedSignature,
        ),
        ("no key", Parts { key: Vec::new(), ..parts.clone() }, R::MalformedSignature),
        ("the key of another", Parts { key: rsa_key, ..parts.clone() }, R::KeyUnknown),
        ("ECDSA numbers", Parts { kind: b"ecdsa-sha2-nistp256", ..parts.clone() }, R::MalformedSignature),
        ("a short signature", Parts { signature: Some(vec![0; 63]), ..parts.clone() }, R::SignatureMismatch),
        ("no signature", Parts { signature: Some(Vec::new()), ..parts.clone() }, R::SignatureMismatch),
    ];
    for (what, parts, reason) in table {
        assert_eq!(case.reason(&armor(&parts.blob(1, document)), document), reason, "{what}");
    }
    // Signed by one key in the name of another.
    assert_eq!(case.reason(&armor(&parts.blob(2, document)), document), R::SignatureMismatch);
    // A bare signature over the document, or over the hash without what SSH puts before it.
    for message in [document.to_vec(), HashKind::Sha512.of(document).as_bytes().to_vec()] {
        let parts = Parts { signature: Some(sign(1, &message).to_vec()), ..parts.clone() };
        assert_eq!(case.reason(&armor(&parts.blob(1, document)), document), R::SignatureMismatch);
    }
}

#[test]
fn numbers_of_an_ecdsa_signature_have_one_form() {
    let document = document();
    let verifier = plain();
    for name in ["nistp256", "nistp384"] {
        let keys = one(name);
        let case = Case::new(&verifier, &keys);
        let blob = dearmor(&fixture(&format!("ssh/{name}.sig")));
        // The last field is the kind of signature and the two numbers.
        let start = blob.windows(10).position(|bytes| bytes == b"\0\0\0\x06sha512").unwrap() + 10;
        let head = &blob[..start];
        let kind = format!("ecdsa-sha2-{name}");
        let numbers = &blob[start + 4 + 4 + kind.len() + 4..];
        let length = u32::from_be_bytes(numbers[..4].try_into().unwrap()) as usize;
        let (r, s) = (&numbers[4..4 + length], &numbers[8 + length..]);
        let with = |r: &[u8], s: &[u8]| {
            let numbers = [string(r), string(s)].concat();
            let field = [string(kind.as_bytes()), string(&numbers)].concat();
            armor(&[head, &string(&field)].concat())
        };
        case.good(&with(r, s), &document);
        assert_eq!(case.reason(&with(s, r), &document), Reason::SignatureMismatch, "{name}");
        let longer = [&[0][..], r].concat();
        for (r, s) in [(&longer[..], s), (r, &[][..]), (&[0][..], s), (r, &[0x80][..]), (&[1; 60][..], s)] {
            assert_eq!(case.reason(&with(r, s), &document), Reason::MalformedSignature, "{name}");
        }
        assert_eq!(case.reason(&with(&[1], &[1]), &document), Reason::SignatureMismatch, "{name}");
    }
}

#[test]
fn a_flipped_bit_anywhere_never_verifies() {
    let (verifier, document) = (plain(), document());
    for name in ["ed25519", "nistp256", "rsa"] {
        let keys = one(name);
        let case = Case::new(&verifier, &keys);
        let good = dearmor(&fixture(&format!("ssh/{name}.sig")));
        // Each bit of a long key costs as much as the next.
        for bit in (0..good.len() * 8).step_by(if name == "rsa" { 5 } else { 1 }) {
            let mut blob = good.clone();
            blob[bit / 8] ^= 1 << (bit % 8);
            let reason = case.reason(&armor(&blob), &document);
            let known = [Reason::MalformedSignature, Reason::SignatureMismatch, Reason::KeyUnknown];
            assert!(known.contains(&reason), "{name} {bit}: {reason}");
        }
    }
}

#[cfg(feature = "conformance")]
#[test]
fn the_contract_of_all_verifiers_holds() {
    let verifier = plain();
    for (name, other) in [("ed25519", "rsa"), ("nistp256", "ed25519")] {
        let (keys, foreign) = (one(name), one(other));
        let file = fixture(&format!("ssh/{name}.sig"));
        crate::support::contract(&Case::new(&verifier, &keys), &foreign, &[&file], &document());
    }
}

#[test]
fn two_files_for_a_threshold_of_two() {
    let verifier = plain().with_suffix(".sig2");
    let keys = trust(&[&line(1), &line(2)], 2);
    let case = Case::new(&verifier, &keys);
    let made = |seed: u8, hash| armor(&Parts { hash, ..Parts::new(seed) }.blob(seed, b"d"));
    let (one, two, stranger) = (made(1, b"sha512"), made(2, b"sha256"), made(3, b"sha512"));
    let judged = |files: &[Option<&[u8]>]| {
        let finding = case.find(files, b"d").map_err(|failure| failure.reason)?;
        let now = Timestamp::from_millis(0);
        keys.judge(&finding.evidence, now).map_err(|failure| failure.reason)?;
        Ok::<_, Reason>(finding)
    };
    assert_eq!(signers(&judged(&[Some(&two), Some(&one)]).unwrap().evidence), ["k1", "k2"]);
    assert_eq!(judged(&[Some(&one), Some(&made(1, b"sha256"))]), Err(Reason::ThresholdNotMet));
    assert_eq!(judged(&[Some(&one), Some(&stranger)]), Err(Reason::ThresholdNotMet));
    assert_eq!(judged(&[Some(&stranger), None]), Err(Reason::KeyUnknown));
    assert_eq!(judged(&[None, None]), Err(Reason::CompanionMissing));
    let finding = case.find(&[Some(&stranger), Some(&one)], b"d").unwrap();
    assert!(!finding.rests_on(0) && finding.rests_on(1));
    assert!(verifier.companions().iter().all(|companion| companion.need == Need::Optional));
}

#[test]
fn what_ssh_keygen_makes_today_verifies_and_what_we_make_verifies_there() {
    if !installed("ssh-keygen") {
        return;
    }
    let large: Vec<u8> = (0..100_000u32).flat_map(u32::to_le_bytes).collect();
    for document in [&b""[..], b"one line\n", &large] {
        let folder = script(
            "for kind in ed25519 ecdsa rsa; do
                 ssh-keygen -q -N '' -t $kind -f $kind; ssh-keygen -q -Y sign -f $kind -n file < document > $kind.sig
             done",
            &[("document", document)],
        );
        for kind in ["ed25519", "ecdsa", "rsa"] {
            let read = |name: String| std::fs::read(folder.path().join(name)).unwrap();
            let keys = trust(&[&read(format!("{kind}.pub"))], 1);
            Case::new(&plain(), &keys).good(&read(format!("{kind}.sig")), document);
        }
        let signers = [b"me namespaces=\"file\",valid-before=\"20400101Z\" ", &line(1)[..]].concat();
        let ours = armor(&Parts::new(1).blob(1, document));
        script(
            "ssh-keygen -Y verify -f signers -I me -n file -s ours < document",
            &[("document", document), ("ours", &ours), ("signers", &signers)],
        );
        // What ssh-keygen takes as an allowed-signers file, we take.
        assert_eq!(TrustedKey::read("t", &signers).unwrap()[0].id.as_str(), "t:me");
    }
}
