#!/usr/bin/env python3
"""Makes placeholder.zip of bootstrap, with the same bytes everywhere. --check: says whether it is what it should be, and
runs bootstrap against a small Lambda runtime API."""

import io
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, HTTPServer

here = pathlib.Path(__file__).parent
target = here / "placeholder.zip"


def pack():
    entry = zipfile.ZipInfo("bootstrap", date_time=(1980, 1, 1, 0, 0, 0))
    entry.create_system = 3  # Unix, so that the mode counts
    entry.external_attr = 0o100755 << 16
    packed = io.BytesIO()
    # Stored: what a compressor makes depends on its version.
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(entry, (here / "bootstrap").read_bytes())
    return packed.getvalue()


def answers():
    """What bootstrap answers to one event."""
    said, done = {}, threading.Event()

    class Api(BaseHTTPRequestHandler):
        def do_GET(self):
            if said:
                done.wait()
                return
            self.send_response(200)
            self.send_header("Lambda-Runtime-Aws-Request-Id", "event-1")
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def do_POST(self):
            said["path"] = self.path
            said["body"] = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self.send_response(202)
            self.send_header("Content-Length", "0")
            self.end_headers()
            done.set()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Api)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as place:
        bootstrap = pathlib.Path(place) / "bootstrap"
        with zipfile.ZipFile(target) as archive:
            bootstrap.write_bytes(archive.read("bootstrap"))
        bootstrap.chmod(0o755)
        environment = dict(os.environ, AWS_LAMBDA_RUNTIME_API=f"127.0.0.1:{server.server_port}")
        process = subprocess.Popen([str(bootstrap)], env=environment, stderr=subprocess.DEVNULL)
        try:
            if not done.wait(10):
                sys.exit("the placeholder does not answer within 10 seconds")
        finally:
            process.kill()
            process.wait()
            server.shutdown()
    return said


def main():
    if sys.argv[1:] != ["--check"]:
        target.write_bytes(pack())
        return
    if not target.exists() or target.read_bytes() != pack():
        sys.exit("placeholder.zip is not what placeholder/pack.py makes: run it")
    said = answers()
    if "sigcache deploy" not in said.get("body", "") or said["path"] != "/2018-06-01/runtime/invocation/event-1/error":
        sys.exit(f"the placeholder answers an event with {said}")


main()
