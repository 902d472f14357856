#!/usr/bin/env bash
# Makes all fixtures in this folder anew, with keys of their own; see README.md. Needs minisign, signify-openbsd,
# ssh-keygen and nix (Debian: minisign, signify-openbsd, openssh-client, nix-bin).
set -euo pipefail
cd "$(dirname "$0")"
rm -rf minisign signify ssh nix
mkdir minisign signify ssh nix

printf 'The document that the tools signed.\n' > document

(
    cd minisign
    cp ../document .
    for key in key other; do minisign -GW -p $key.pub -s $key.secret > /dev/null; done
    minisign -Sm document -s key.secret > /dev/null
    minisign -Sm document -s other.secret -x other.minisig > /dev/null
    minisign -Slm document -s key.secret -x legacy.minisig > /dev/null
    minisign -Sm document -s key.secret -x words.minisig -t 'release 7, for everyone' > /dev/null
    rm document
)
(
    cd signify
    cp ../document .
    for key in key other; do signify-openbsd -Gn -p $key.pub -s $key.sec; done
    signify-openbsd -Ss key.sec -m document -x document.sig
    signify-openbsd -Ss other.sec -m document -x other.sig
    signify-openbsd -Ses key.sec -m document -x embedded.sig
    gzip -n < document > document.gz
    signify-openbsd -Szs key.sec -m document.gz -x gzip.sig
    rm document document.gz
)
(
    cd ssh
    ssh-keygen -q -N '' -C 'alice@example.org' -t ed25519 -f ed25519
    ssh-keygen -q -N '' -C 'bob@example.org' -t ecdsa -b 256 -f nistp256
    ssh-keygen -q -N '' -C '' -t ecdsa -b 384 -f nistp384
    ssh-keygen -q -N '' -C '' -t ecdsa -b 521 -f nistp521
    ssh-keygen -q -N '' -C 'two words' -t rsa -b 2048 -f rsa
    ssh-keygen -q -N '' -C '' -t rsa -b 1024 -f rsa1024
    ssh-keygen -q -N '' -C '' -t dsa -f dsa
    ssh-keygen -q -s ed25519 -I id -n principal rsa.pub
    for key in ed25519 nistp256 nistp384 nistp521 rsa; do
        ssh-keygen -q -Y sign -f $key -n file < ../document > $key.sig
    done
    ssh-keygen -q -Y sign -f ed25519 -n file -O hashalg=sha256 < ../document > ed25519-sha256.sig
    ssh-keygen -q -Y sign -f ed25519 -n git < ../document > ed25519-git.sig
    for key in nistp256 nistp384 rsa; do ssh-keygen -e -m PKCS8 -f $key.pub > $key.pem; done
    {
        echo '# who may sign, and what'
        echo "alice@example.org,alice@example.com namespaces=\"file,git\",valid-after=\"20200101Z\" $(cat ed25519.pub)"
        echo
        echo "bob@example.org valid-before=\"20300101120000Z\" $(cat nistp256.pub)"
        echo "*@example.net,!eve@example.net $(cat rsa.pub)"
        echo "bob@example.org Namespaces=\"git\" $(cat nistp384.pub)"
    } > allowed_signers
    # Only one secret key is needed: to show that it is refused.
    rm -f nistp256 nistp384 nistp521 rsa rsa1024 dsa
)
(
    cd nix
    export HOME="$PWD" NIX_CONFIG=$'experimental-features = nix-command\nbuild-users-group =\nsubstitute = false'
    for key in key other; do
        nix key generate-secret --key-name cache.example-$key > $key.secret
        nix key convert-secret-to-public < $key.secret > $key.pub
    done
    # A path that refers to two others, as a store of its own has it and a cache serves it.
    path=$(nix-instantiate --read-write-mode --store "$PWD/store" --eval --expr '
        let a = builtins.toFile "a" "x"; b = builtins.toFile "b" "${a}"; in builtins.toFile "c" "${a} ${b}"' | tr -d '"')
    for compression in none xz; do
        nix copy --from "$PWD/store" --to "file://$PWD/$compression?compression=$compression&secret-key=$PWD/key.secret" "$path"
        grep -l -- '-c$' $compression/*.narinfo | xargs -I{} cp {} $compression.narinfo
    done
    grep '^URL' none.narinfo | cut -d' ' -f2 | xargs -I{} cp none/{} none.nar
    nix store sign --store "file://$PWD/none" --key-file other.secret "$path"
    grep -l -- '-c$' none/*.narinfo | xargs -I{} cp {} two.narinfo
    chmod -R u+w store
    rm -rf store none xz .cache .local
)
