"""A person at the page /device, without a browser: reads its forms and posts them."""
import html
import re
import urllib.parse

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class DevicePage:
    def __init__(self, world):
        self.world = world
        self.url = world.login_url("/device")

    def open(self):
        return self.world.request("GET", self.url, version=None)

    def post(self, headers=None, **fields):
        return self.world.request("POST", self.url, urllib.parse.urlencode(fields).encode(), version=None,
                                  headers={**FORM, "Origin": self.world.login_url(), "Sec-Fetch-Site": "same-origin",
                                           **(headers or {})})

    def decide(self, user_code, name=None, passphrase=None, decision="approve", **options):
        """Types the code, then fills in the form that comes."""
        asked = self.post(user_code=user_code)
        if asked.status != 200:
            return asked
        hidden = dict(re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', asked.raw.decode()))
        fields = {name: html.unescape(value) for name, value in hidden.items()}
        if name is not None:
            fields |= {"user_name": name, "passphrase": passphrase}
        return self.post(**fields, decision=decision, **options)


def make_person(world, name, passphrase, *options):
    """As an operator does it: the passphrase comes from askpass. Returns the answer's JSON."""
    import json
    import os
    program = os.path.join(world.folder, "askpass")
    with open(program, "w", encoding="utf-8") as file:
        file.write('#!/bin/sh\n[ "$1" = new-passphrase ] && cat "$0.answer"\n')
    os.chmod(program, 0o700)
    with open(program + ".answer", "w", encoding="utf-8") as file:
        file.write(passphrase + "\n")
    return json.loads(world.check("keyquay", "principal", "create", name, "--person", *options, "--data", world.data, "--json",
                                  env={"KEYQUAY_ASKPASS": program}))
