"""Runs in the client's pod: asks what standard input wants, in JSON, one request a connection, and prints the answers."""

import http.client
import json
import socket
import ssl
import sys

wanted = json.load(sys.stdin)
context = ssl.create_default_context(cadata=wanted["ca"])


def ask(one):
    raw = socket.create_connection((one["host"], one["port"]), timeout=one["patience"])
    # The name that the certificate is for, and the address that the Service has.
    connection = http.client.HTTPConnection(wanted["name"])
    connection.sock = raw if one["plain"] else context.wrap_socket(raw, server_hostname=wanted["name"])
    try:
        connection.request(one["method"], one["path"], one["body"] and json.dumps(one["body"]), dict(one["headers"]))
        answer = connection.getresponse()
        body = answer.read()
    finally:
        connection.close()
    try:
        body = json.loads(body)
    except ValueError:
        body = body.decode(errors="replace")
    return {"status": answer.status, "headers": {name.lower(): value for name, value in answer.getheaders()}, "body": body}


answers = []
for one in wanted["requests"]:
    try:
        answers.append(ask(one))
    except (OSError, http.client.HTTPException) as error:
        answers.append({"status": 0, "headers": {}, "body": f"{type(error).__name__}: {error}"})
json.dump(answers, sys.stdout)
