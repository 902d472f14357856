//! `narinfo`

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sigcache_core::{
    Failure, Name, Reason, Timestamp,
    trust::Trust,
    verify::{Check, Context, Finding, Narinfo, Verifier as _},
};

use crate::support::{Case, fixture, installed, public, script, sign, signers, text, trust};

const HASH: &str = "s36w4b92h7gd442j7872kqsp3qvfygfy";
const NAME: &str = "s36w4b92h7gd442j7872kqsp3qvfygfy-c";
const PATH: &str = "nix/s36w4b92h7gd442j7872kqsp3qvfygfy.narinfo";

fn keys() -> Trust {
    trust(&[&fixture("nix/key.pub")], 1)
}

fn find(trust: &Trust, name: &str, file: impl AsRef<[u8]>) -> Result<Finding, Failure> {
    Case::new(&Narinfo::new(), trust).named(name).find(&[], file.as_ref())
}

#[track_caller]
fn reason(trust: &Trust, file: impl AsRef<[u8]>) -> Reason {
    find(trust, PATH, file).unwrap_err().reason
}

fn own_key(seed: u8, name: &str) -> String {
    format!("{name}:{}", STANDARD.encode(public(seed)))
}

/// A file of our own: whatever fields, and a signature over what is said to be its fingerprint.
fn own(fields: &str, fingerprint: &str) -> String {
    format!("{fields}Sig: own:{}\n", STANDARD.encode(sign(1, fingerprint.as_bytes())))
}

#[test]
fn what_nix_signed_verifies() {
    for name in ["nix/none.narinfo", "nix/xz.narinfo", "nix/two.narinfo"] {
        let evidence = find(&keys(), PATH, fixture(name)).unwrap().evidence;
        assert_eq!((&*evidence.format, signers(&evidence)), ("narinfo", vec!["k1"]), "{name}");
        assert_eq!(evidence.identity.as_deref(), Some(NAME));
    }
    let two = trust(&[&fixture("nix/key.pub"), &fixture("nix/other.pub")], 2);
    let evidence = find(&two, PATH, fixture("nix/two.narinfo")).unwrap().evidence;
    two.judge(&evidence, Timestamp::from_millis(0)).unwrap();
    let evidence = find(&two, PATH, fixture("nix/none.narinfo")).unwrap().evidence;
    assert_eq!(two.judge(&evidence, Timestamp::from_millis(0)).unwrap_err().reason, Reason::ThresholdNotMet);
    let failure = find(&trust(&[&fixture("nix/other.pub")], 1), PATH, fixture("nix/none.narinfo")).unwrap_err();
    assert_eq!((failure.reason, &*failure.found), (Reason::KeyUnknown, "the keys cache.example-key"));
    // As cache.nixos.org serves it.
    let ruby = "StorePath: /nix/store/p4pclmv1gyja5kzc26npqpia1qqxrf0l-ruby-2.7.3\n\
                URL: nar/1w1fff338fvdw53sqgamddn1b2xgds473pv6y13gizdbqjv4i5p3.nar.xz\n\
                Compression: xz\n\
                FileHash: sha256:1w1fff338fvdw53sqgamddn1b2xgds473pv6y13gizdbqjv4i5p3\n\
                FileSize: 4029176\n\
                NarHash: sha256:1impfw8zdgisxkghq9a3q7cn7jb9zyzgxdydiamp8z2nlyyl0h5h\n\
                NarSize: 18735072\n\
                References: 0d71ygfwbmy1xjlbj1v027dfmy9cqavy-libffi-3.3 0dbbrvlw2rahvzi69bmpqy1z9mvzg62s-gdbm-1.19 \
                0i6vphc3vnr8mg0gxjr61564hnp0s2md-gnugrep-3.6 0vkw1m51q34dr64z5i87dy99an4hfmyg-coreutils-8.32 \
                64ylsrpd025kcyi608w3dqckzyz57mdc-libyaml-0.2.5 65ys3k6gn2s27apky0a0la7wryg3az9q-zlib-1.2.11 \
                9m4hy7cy70w6v2rqjmhvd7ympqkj6yxk-ncurses-6.2 a4yw1svqqk4d8lhwinn9xp847zz9gfma-bash-4.4-p23 \
                hbm0951q7xrl4qd0ccradp6bhjayfi4b-openssl-1.1.1k hjwjf3bj86gswmxva9k40nqx6jrb5qvl-readline-6.3p08 \
                p4pclmv1gyja5kzc26npqpia1qqxrf0l-ruby-2.7.3 sbbifs2ykc05inws26203h0xwcadnf0l-glibc-2.32-46\n\
                Deriver: bidkcs01mww363s4s7akdhbl6ws66b0z-ruby-2.7.3.drv\n\
                Sig: cache.nixos.org-1:GrGV/Ls10TzoOaCnrcAqmPbKXFLLSBDeGNh5EQGKyuGA4K1wv1LcRVb6/sU+NAPK8lDiam8XcdJzUngmdhfTBQ==\n";
    let keys = trust(&[b"cache.nixos.org-1:6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY="], 1);
    let evidence = find(&keys, "p4pclmv1gyja5kzc26npqpia1qqxrf0l.narinfo", ruby).unwrap().evidence;
    assert_eq!(evidence.identity.as_deref(), Some("p4pclmv1gyja5kzc26npqpia1qqxrf0l-ruby-2.7.3"));
}

#[test]
fn attack_identity_swap_one_store_path_for_another() {
    let file = fixture("nix/none.narinfo");
    for name in ["x/y.narinfo", HASH, NAME, "12wigjpizrn8axaqxj288q1b751qmwya.narinfo", "x.narinfo/file"] {
        let failure = find(&keys(), name, &file).unwrap_err();
        assert_eq!(failure.reason, Reason::IdentityMismatch, "{name}");
        assert_eq!(&*failure.found, format!("{HASH}.narinfo, for {NAME}"));
    }
    // An identity in the configuration is for the judge, who compares it with the name in the store.
    let (verifier, keys) = (Narinfo::new(), keys());
    let case = Case::new(&verifier, &keys).named("any").identity("other");
    assert_eq!(case.find(&[], &file).unwrap().evidence.identity.as_deref(), Some(NAME));
}

#[test]
fn what_is_signed_cannot_be_changed_and_what_is_not_can() {
    let good = text("nix/none.narinfo");
    let signature = good.lines().find_map(|line| line.strip_prefix("Sig: cache.example-key:")).unwrap();
    let other = if signature.starts_with('A') { "B" } else { "A" };
    let changed = |from: &str, to: &str| {
        assert!(good.contains(from));
        good.replace(from, to)
    };
    use Reason as R;
    for (from, to, expected) in [
        ("StorePath: /nix", "StorePath: /mnt", R::SignatureMismatch),
        ("gfy-c", "gfy-d", R::SignatureMismatch),
        ("NarHash: sha256:1c", "NarHash: sha256:0c", R::SignatureMismatch),
        ("NarSize: 208", "NarSize: 209", R::SignatureMismatch),
        ("References: 12wigjpizrn8axaqxj288q1b751qmwya-a ", "References: ", R::SignatureMismatch),
        ("gk-b", "gk-b zzzigjpizrn8axaqxj288q1b751qmwya-z", R::SignatureMismatch),
        (signature, &format!("{other}{}", &signature[1..]), R::SignatureMismatch),
        ("Sig: cache.example-key:", "Sig: cache.example-kez:", R::KeyUnknown),
    ] {
        assert_eq!(reason(&keys(), changed(from, to)), expected, "{from} {to}");
    }
    // Nobody signed these; readers must not believe them, and Nix does not.
    for (from, to) in [
        ("URL: nar/", "URL: https://evil.example/"),
        ("Compression: none", "Compression: zstd"),
        ("FileSize: 208", "FileSize: 1"),
        ("CA: text", "CA: fixed"),
    ] {
        find(&keys(), PATH, changed(from, to)).unwrap();
    }
    let unsigned = ["URL", "Compression", "FileHash", "FileSize", "CA"];
    for bit in 0..good.len() * 8 {
        let mut file = good.clone().into_bytes();
        file[bit / 8] ^= 1 << (bit % 8);
        if find(&keys(), PATH, &file).is_ok() {
            let start = good[..bit / 8].rfind('\n').map_or(0, |at| at + 1);
            assert!(unsigned.iter().any(|field| good[start..].starts_with(field)), "{bit} {}", &good[start..bit / 8]);
        }
    }
}

#[test]
fn what_is_no_narinfo_is_malformed() {
    let good = text("nix/none.narinfo");
    let changed = |from: &str, to: &str| {
        assert!(good.contains(from), "{from}");
        good.replace(from, to)
    };
    let signature = good.lines().find(|line| line.starts_with("Sig")).unwrap().to_owned();
    let many = changed(&signature, &vec![signature.as_str(); 101].join("\n"));
    let references = "References that are not in order, or are none";
    for (file, found) in [
        (String::new(), "no sound StorePath"),
        ("<!DOCTYPE html>\n".to_owned(), "a line without a field"),
        (good.replace('\n', "\r\n"), "a larger file, or a control character"),
        (changed("CA:", "CA:\u{1b}"), "a larger file, or a control character"),
        (format!("{good}\n"), "a line without a field"),
        (format!("{good}New: x\n"), "an unknown field"),
        (format!("{good}sig: x\n"), "an unknown field"),
        (format!("{good}NarSize: 208\n"), "a field that stands twice"),
        (format!("{good}StorePath: /nix/store/{NAME}\n"), "a field that stands twice"),
        (format!("{good}References: \n"), "a field that stands twice"),
        (changed("StorePath: /nix", "StorePath: nix"), "no sound StorePath"),
        (changed("StorePath: /nix", "StorePath: /n;x"), "no sound StorePath"),
        (changed("StorePath: /nix", "StorePath: /n,x"), "no sound StorePath"),
        (changed("StorePath: /nix/store/s3", "StorePath: /nix/store/se"), "no sound StorePath"),
        (changed("gfy-c", "gfy-"), "no sound StorePath"),
        (changed("gfy-c", "gfy-c/d"), "no sound StorePath"),
        (changed("gfy-c", "gfy-c;d"), "no sound StorePath"),
        (changed("NarHash: sha256:", "NarHash: sha1:"), "no NarHash with SHA-256"),
        (changed("NarHash: sha256:1c", "NarHash: sha256:1"), "no NarHash with SHA-256"),
        (changed("NarHash: sha256:1c", "NarHash: sha256:ec"), "no NarHash with SHA-256"),
        (changed("NarHash: ", "FileHash2: "), "an unknown field"),
        (changed("NarSize: 208\n", ""), "no NarSize"),
        (changed("NarSize: 208", "NarSize: 0"), "a NarSize that is no number"),
        (changed("NarSize: 208", "NarSize: +208"), "a NarSize that is no number"),
        (changed("NarSize: 208", "NarSize: 0208"), "a NarSize that is no number"),
        (changed("NarSize: 208", "NarSize: 208;"), "a NarSize that is no number"),
        (changed("-a mx", "-a  mx"), references),
        (changed("-a mx", "-a,mx"), references),
        (changed("-b\n", "-b \n"), references),
        (changed("References: 1", "References: z"), references),
        (changed("References: ", "References: 12wigjpizrn8axaqxj288q1b751qmwya-a "), references),
        (changed("Sig: cache.example-key:", "Sig: cache.example-key"), "a signature without the name of its key"),
        (changed("Sig: cache.example-key:", "Sig: cache.example-key: "), "a signature that is none"),
        (changed("==\nCA", "\nCA"), "a signature that is none"),
        (many, "more signatures than anybody makes"),
    ] {
        let failure = find(&keys(), PATH, &file).unwrap_err();
        assert_eq!((failure.reason, &*failure.found), (Reason::MalformedDocument, found), "{file}");
    }
    assert_eq!(reason(&keys(), [good.as_bytes(), b"\xff"].concat()), Reason::MalformedDocument);
    let unsigned = changed(&format!("{signature}\n"), "");
    let failure = find(&keys(), PATH, unsigned).unwrap_err();
    assert_eq!((failure.reason, &*failure.found), (Reason::KeyUnknown, "no signature"));
}

#[test]
fn what_is_signed_is_put_together_as_nix_does_it() {
    let keys = trust(&[own_key(1, "own").as_bytes()], 1);
    let hash = "1csszpwqbilmcfvz8iwm5nv5wj02k53ld83rkrv7sibq4js6bvbq";
    let (a, b) = ("12wigjpizrn8axaqxj288q1b751qmwya-a", "mxfyh6dq3pj8wggqhb10ckc4xipf75gk-b");
    let fields = |folder: &str, references: &str| {
        format!("StorePath: {folder}/{NAME}\nNarHash: sha256:{hash}\nNarSize: 7\n{references}")
    };
    for (folder, references, signed) in [
        ("/nix/store", "", ""),
        ("/nix/store", "References: \n", ""),
        ("/nix/store", &format!("References: {a}\n"), &format!("/nix/store/{a}")),
        ("/gnu/store", &format!("References: {a} {b}\n"), &format!("/gnu/store/{a},/gnu/store/{b}")),
    ] {
        let fingerprint = format!("1;{folder}/{NAME};sha256:{hash};7;{signed}");
        find(&keys, PATH, own(&fields(folder, references), &fingerprint)).unwrap();
        for other in [fingerprint.replace("1;", "2;"), format!("{fingerprint};"), fingerprint.replace("sha256:", "")] {
            assert_eq!(reason(&keys, own(&fields(folder, references), &other)), Reason::SignatureMismatch);
        }
    }
    // Of two signatures under the name of a key one has to match, as in Nix.
    let good = own(&fields("/nix/store", ""), &format!("1;/nix/store/{NAME};sha256:{hash};7;"));
    let stale = format!("Sig: own:{}\n", STANDARD.encode(sign(1, b"stale")));
    find(&keys, PATH, format!("{stale}{good}{stale}")).unwrap();
    // A key without a name is tried, one of another kind is not meant.
    let ssh = [b"\0\0\0\x0bssh-ed25519\0\0\0 ", &public(1)[..]].concat();
    find(&trust(&[format!("ssh-ed25519 {}", STANDARD.encode(ssh)).as_bytes()], 1), PATH, &good).unwrap();
    let minisign = format!("untrusted comment: x\n{}", STANDARD.encode([b"Ed12345678", &public(1)[..]].concat()));
    assert_eq!(reason(&trust(&[minisign.as_bytes()], 1), &good), Reason::KeyUnknown);
    assert_eq!(reason(&trust(&[own_key(2, "own").as_bytes()], 1), &good), Reason::SignatureMismatch);
}

#[test]
fn an_archive_is_held_against_what_the_signed_text_names() {
    let keys = keys();
    let verifier = Narinfo::of_archive(&format!("../{HASH}.narinfo"));
    let case = || Case::new(&verifier, &keys).named("nix/c.nar");
    let (info, archive) = (fixture("nix/none.narinfo"), fixture("nix/none.nar"));
    let evidence = case().good(&info, &archive);
    assert_eq!((&*evidence.format, signers(&evidence), evidence.size), ("narinfo", vec!["k1"], 208));
    assert_eq!(evidence.identity.as_deref(), Some(NAME));
    let mut flipped = archive.clone();
    flipped[100] ^= 1;
    for (document, found) in [
        (flipped, "one with another hash"),
        (archive[..207].to_vec(), "one of another size"),
        ([&archive[..], &[0]].concat(), "one of another size"),
        (Vec::new(), "one of another size"),
    ] {
        let failure = case().refused(&info, &document);
        assert_eq!((failure.reason, &*failure.found), (Reason::SignatureMismatch, found));
        assert_eq!(&*failure.expected, format!("the archive that is signed for {NAME}"));
    }
    // What is wrong with the .narinfo is said before the archive is looked at.
    let failure = case().refused(&fixture("nix/xz.narinfo"), &archive);
    assert_eq!(failure.reason, Reason::MalformedDocument);
    let expected = "an archive without compression: the signature does not cover a compressed one";
    assert_eq!((&*failure.expected, &*failure.found), (expected, "one with xz"));
    let old = text("nix/none.narinfo").replace("Compression: none\n", "");
    assert_eq!(&*case().refused(old.as_bytes(), &archive).found, "one with bzip2");
    let size = text("nix/none.narinfo").replace("NarSize: 208", "NarSize: 209");
    assert_eq!(case().reason(size.as_bytes(), &archive), Reason::SignatureMismatch);
    assert_eq!(case().reason(b"", &archive), Reason::MalformedDocument);
    assert_eq!(case().find(&[None], &archive).unwrap_err().reason, Reason::CompanionMissing);
    // The name of the .narinfo says which store path is meant, or else the identity does.
    let other = Narinfo::of_archive("../12wigjpizrn8axaqxj288q1b751qmwya.narinfo");
    let failure = Case::new(&other, &keys).refused(&info, &archive);
    assert_eq!(failure.reason, Reason::IdentityMismatch);
    Case::new(&other, &keys).identity(NAME).good(&info, &archive);
    assert_ne!(verifier.settings(), other.settings());
    assert_ne!(verifier.settings(), Narinfo::new().settings());
}

#[test]
fn attack_endless_data_an_archive_is_read_no_further_than_its_size() {
    let keys = keys();
    let verifier = Narinfo::of_archive(&format!("../{HASH}.narinfo"));
    let name = Name::new("nix/c.nar").unwrap();
    let companions = [Some(fixture("nix/none.narinfo").into())];
    let context = Context::new(&name, Timestamp::from_millis(0), &keys, &companions);
    let mut check = Check::begin(&verifier, context).unwrap();
    check.update(&[0; 208]).unwrap();
    assert_eq!(check.update(&[0]).unwrap_err().failure().reason, Reason::SignatureMismatch);
    let large = format!("{}{}", text("nix/none.narinfo"), "x".repeat(1024 * 1024));
    let verifier = Narinfo::new();
    let failure = Case::new(&verifier, &keys).named(PATH).find_at_once(&[], large.as_bytes()).unwrap_err();
    assert_eq!(&*failure.found, "one of more than 1048576 bytes");
}

#[cfg(feature = "conformance")]
#[test]
fn the_contract_of_all_verifiers_holds() {
    let (keys, foreign) = (keys(), trust(&[&fixture("nix/other.pub")], 1));
    let verifier = Narinfo::of_archive(&format!("../{HASH}.narinfo"));
    let case = Case::new(&verifier, &keys).named("nix/c.nar");
    crate::support::contract(&case, &foreign, &[&fixture("nix/none.narinfo")], &fixture("nix/none.nar"));
}

#[test]
fn what_nix_makes_today_verifies() {
    if !installed("nix") {
        return;
    }
    let folder = script(
        r#"export HOME="$PWD" NIX_CONFIG=$'experimental-features = nix-command\nbuild-users-group =\nsubstitute = false'
           nix key generate-secret --key-name today > secret; nix key convert-secret-to-public < secret > public
           mkdir tree; echo one > tree/one; ln -s one tree/two
           path=$(nix --store "$PWD/store" store add-path tree)
           nix copy --from "$PWD/store" --to "file://$PWD/cache?compression=none&secret-key=$PWD/secret" "$path"
           cp cache/nar/*.nar archive; basename cache/*.narinfo > name; cp cache/*.narinfo info; chmod -R u+w store"#,
        &[],
    );
    let read = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
    let keys = trust(&[&read("public")], 1);
    let name = String::from_utf8(read("name")).unwrap();
    let evidence = find(&keys, name.trim(), read("info")).unwrap().evidence;
    assert!(evidence.identity.unwrap().ends_with("-tree"));
    let verifier = Narinfo::of_archive(&format!("../{}", name.trim()));
    Case::new(&verifier, &keys).good(&read("info"), &read("archive"));
}
