"""A certificate of the operator's own, as a renewal tool lays it down: named, checked, replaced, trusted."""
import os
import shutil
import signal
import socket
import ssl
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "harness"))
from openssl import openssl  # noqa: E402
from processes import wait_until  # noqa: E402
from vault_world import VaultWorld  # noqa: E402


class OperatorsCertificate(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = VaultWorld(regions=("NA",), vaults={"contoso": "eastus"})
        cls.addClassCleanup(cls.world.__exit__)
        cls.folder = os.path.join(cls.world.folder, "certificates")
        os.makedirs(os.path.join(cls.folder, "live"))
        os.makedirs(os.path.join(cls.folder, "archive"))
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
                "/CN=Authority", "-keyout", cls.path("authority.key"), "-out", cls.path("authority.pem"))
        with open(cls.path("extensions"), "w", encoding="ascii") as out:
            out.write(f"subjectAltName=DNS:*.{cls.world.domain},DNS:*.vault.{cls.world.domain}\n")
        cls.issue("first", days=2)
        cls.issue("second", days=3)
        cls.name_files("first")
        with open(os.path.join(cls.world.data, "keyvaultd.conf"), encoding="utf-8") as file:
            cls.plain = file.read()

    @classmethod
    def path(cls, *names):
        return os.path.join(cls.folder, *names)

    @classmethod
    def issue(cls, name, days):
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}", "-keyout",
                cls.path("archive", name + ".key"), "-out", cls.path("request"))
        openssl("x509", "-req", "-in", cls.path("request"), "-days", str(days), "-CA", cls.path("authority.pem"), "-CAkey",
                cls.path("authority.key"), "-extfile", cls.path("extensions"), "-out", cls.path("archive", name + ".pem"))

    @classmethod
    def name_files(cls, certificate, key=None):
        """Links that are put in the place of former ones, as renewal tools do."""
        for target, link in ((certificate + ".pem", "chain.pem"), ((key or certificate) + ".key", "key.pem")):
            os.symlink(os.path.join("..", "archive", target), cls.path("new"))
            os.replace(cls.path("new"), cls.path("live", link))

    def configure(self, certificate="", key=""):
        text = self.plain.replace("\ncertificate = ", "\ncertificate = " + certificate).replace("\nkey = ", "\nkey = " + key)
        with open(os.path.join(self.world.data, "keyvaultd.conf"), "w", encoding="utf-8") as out:
            out.write(text)

    def refused(self, certificate, key):
        self.configure(certificate, key)
        done = self.world.run("keyvaultd", "--check", "--data", self.world.data)
        self.assertEqual(done.returncode, 1, done)
        return done.stderr

    def test_check__files_that_cannot_be_used__are_named(self):
        self.addCleanup(self.configure)
        chain, key = self.path("live", "chain.pem"), self.path("live", "key.pem")
        self.assertIn("[tls]: key is not named", self.refused(chain, ""))
        self.assertIn("[tls]: certificate is not named", self.refused("", key))
        self.assertRegex(self.refused("/nowhere/chain.pem", key), r"\[tls\] certificate = /nowhere/chain.pem: No such file")
        self.assertRegex(self.refused(chain, "/nowhere/key.pem"), r"\[tls\] key = /nowhere/key.pem: No such file")
        self.assertIn("lies in /; put it into a folder of its own", self.refused("/chain.pem", key))
        self.assertIn("does not belong to the certificate", self.refused(chain, self.path("archive", "second.key")))
        self.assertIn("not PEM", self.refused(key, key))
        self.configure(chain, key)
        self.world.check("keyvaultd", "--check", "--data", self.world.data)

    def test_renewed__files_replaced__reload_takes_them_and_drops_nobody(self):
        self.restart_with(self.path("live", "chain.pem"), self.path("live", "key.pem"))
        self.assertIn("first", self.served())
        held = self.connect()
        self.name_files("second")
        os.kill(self.world.pid(), signal.SIGHUP)
        self.assertTrue(wait_until(lambda: "second" in self.served()), self.log())
        self.assertTrue(wait_until(lambda: f"keyquay_certificate_end_seconds {self.end()}\n" in self.metrics()))
        held.sendall(f"GET /healthz HTTP/1.1\r\nHost: login.{self.world.domain}\r\n\r\n".encode())
        self.assertTrue(held.recv(100).startswith(b"HTTP/1.1 200 "))
        held.close()

        self.name_files("second", key="first")
        os.kill(self.world.pid(), signal.SIGHUP)
        self.assertTrue(wait_until(lambda: "the private key does not belong to the certificate" in self.log()), self.log())
        self.assertIn("second", self.served())

    def test_trust__authority_in_the_place_of_ca_pem__own_tools_and_page_use_it(self):
        self.name_files("first")
        self.restart_with(self.path("live", "chain.pem"), self.path("live", "key.pem"))
        done = self.world.run("keyquay", "vault", "list", "--data", self.world.data)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("KEYQUAY_CA", done.stderr)
        shutil.copy(self.world.ca, self.path("former.pem"))
        shutil.copy(self.path("authority.pem"), self.world.ca)
        self.assertIn("contoso", self.world.check("keyquay", "vault", "list", "--data", self.world.data))
        self.world.check("keyquay", "up", "--data", self.world.data, "--vault", "fabrikam:eastus")
        with open(self.path("authority.pem"), "rb") as file:
            self.assertEqual(self.world.request("GET", self.world.vault_url("contoso", "/ca.pem")).raw, file.read())
        shutil.copy(self.path("former.pem"), self.world.ca)
        self.restart_with("", "")
        self.assertIn("fabrikam", self.world.check("keyquay", "vault", "list", "--data", self.world.data))

    def restart_with(self, certificate, key):
        self.configure(certificate, key)
        pid = self.world.pid()
        os.kill(pid, signal.SIGTERM)
        self.assertTrue(wait_until(lambda: not os.path.exists(f"/proc/{pid}")))
        self.world.check("keyvaultd", "--data", self.world.data, "--daemon")

    def connect(self):
        """Trusts the operator's authority alone."""
        context = ssl.create_default_context(cafile=self.path("authority.pem"))
        raw = socket.create_connection(("127.0.0.1", self.world.port), timeout=20)
        return context.wrap_socket(raw, server_hostname=self.world.host("login"))

    def served(self):
        with self.connect() as connection:
            return str(connection.getpeercert()["subject"])

    def end(self):
        with self.connect() as connection:
            return int(ssl.cert_time_to_seconds(connection.getpeercert()["notAfter"]))

    def metrics(self):
        request = f"GET /metrics HTTP/1.1\r\nHost: management.{self.world.domain}\r\nConnection: close\r\n\r\n"
        with self.connect() as connection:
            connection.sendall(request.encode())
            return b"".join(iter(lambda: connection.recv(65536), b"")).decode()

    def log(self):
        with open(os.path.join(self.world.data, "vault", "keyvaultd.log"), encoding="utf-8") as file:
            return file.read()


if __name__ == "__main__":
    unittest.main()
