// Makes the fixtures in this folder anew; see README.md.
package main

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"os"

	"fixtures/note"
)

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func key(file, name string) note.Signer {
	secret, public, err := note.GenerateKey(rand.Reader, name)
	check(err)
	check(os.WriteFile(file+".key", []byte(public+"\n"), 0o644))
	signer, err := note.NewSigner(secret)
	check(err)
	return signer
}

func write(file, text string, signers ...note.Signer) {
	signed, err := note.Sign(&note.Note{Text: text}, signers...)
	check(err)
	check(os.WriteFile(file, signed, 0o644))
}

func main() {
	log, witness := key("log", "log.example/2026"), key("witness", "witness.example")
	root := sha256.Sum256([]byte("root"))
	checkpoint := fmt.Sprintf("log.example/2026\n%d\n%s\n", 20852163, base64.StdEncoding.EncodeToString(root[:]))
	write("text", "Two lines,\n\nand an empty one between them.\n", log)
	write("checkpoint", checkpoint, log)
	write("cosigned", checkpoint, log, witness)
	write("witnessed", checkpoint, witness)
}
