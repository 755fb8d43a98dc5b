"""TLS and headers as strangers' scanners see them: testssl.sh and sslscan of Debian."""
import json
import os
import shutil
import subprocess
import sys
import unittest
import xml.etree.ElementTree

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "harness"))
from vault_world import VaultWorld  # noqa: E402

TESTSSL = shutil.which("testssl") or shutil.which("testssl.sh")
SSLSCAN = shutil.which("sslscan")
# All findings there may be, and why each is there.
EXPECTED = {
    "engine_problem": "of the scanner's own openssl, not of the server",
    "cert_revocation": "a private CA has no revocation service; its certificates are short-lived and made anew",
    "DNS_CAArecord": "names of a private domain have no CAA record",
}
# What must have been looked at and found good, so that a scan that saw nothing is no success.
GOOD = ("SSLv2 SSLv3 TLS1_2 TLS1_3 cipher_order cert_signatureAlgorithm cert_keySize cert_chain_of_trust cert_trust "
        "cert_expirationStatus HSTS_time HSTS_subdomains X-Frame-Options X-Content-Type-Options Content-Security-Policy "
        "heartbleed CCS ticketbleed ROBOT secure_renego secure_client_renego CRIME_TLS BREACH POODLE_SSL fallback_SCSV "
        "SWEET32 FREAK DROWN LOGJAM BEAST LUCKY13 RC4").split()
SUITES = {
    "TLSv1.3": ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"],
    "TLSv1.2": ["ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305"],
}


class Tls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = VaultWorld(regions=("NA",), vaults={"contoso": "eastus"})
        cls.addClassCleanup(cls.world.__exit__)
        cls.host = f"contoso.vault.{cls.world.domain}"

    @unittest.skipUnless(TESTSSL, "testssl.sh is not installed")
    def test_testssl__finds_only_what_a_private_ca_always_gives(self):
        findings = self.testssl()
        if any("check failed" in finding for finding in self.unexpected(findings)):
            findings = self.testssl()  # the scanner could not finish a check on a busy host
        self.assertEqual(self.unexpected(findings), [])
        good = {item["id"] for item in findings if item["severity"] == "OK"}
        self.assertEqual(sorted(set(GOOD) - good), [])

    @staticmethod
    def unexpected(findings):
        return [f"{item['id']}: {item['severity']}: {item['finding']}" for item in findings
                if item["severity"] not in ("OK", "INFO") and item["id"] not in EXPECTED]

    def testssl(self):
        """Protocols, the server's order, its certificate, headers, known weaknesses; about a minute."""
        report = os.path.join(self.world.folder, "testssl.json")
        if os.path.exists(report):
            os.unlink(report)
        done = subprocess.run([TESTSSL, "--quiet", "--color", "0", "--warnings", "batch", "--ip", "127.0.0.1",
                               "--add-ca", self.world.ca, "--jsonfile", report, "--connect-timeout", "10",
                               "--openssl-timeout", "10", "-p", "-P", "-S", "-h", "-U", f"{self.host}:{self.world.port}"],
                              capture_output=True, text=True, timeout=420, check=False, stdin=subprocess.DEVNULL)
        self.assertTrue(os.path.exists(report), done.stdout + done.stderr)
        with open(report, encoding="utf-8") as file:
            return json.load(file)

    @unittest.skipUnless(SSLSCAN, "sslscan is not installed")
    def test_sslscan__sees_two_versions_and_aead_suites_in_our_order(self):
        done = subprocess.run([SSLSCAN, "--no-colour", "--xml=-", f"--sni-name={self.host}",
                               f"127.0.0.1:{self.world.port}"],
                              capture_output=True, text=True, timeout=120, check=False, stdin=subprocess.DEVNULL)
        scan = xml.etree.ElementTree.fromstring(done.stdout).find("ssltest")
        versions = {item.get("type") + item.get("version") for item in scan.findall("protocol")
                    if item.get("enabled") == "1"}
        self.assertEqual(versions, {"tls1.2", "tls1.3"})
        for version, suites in SUITES.items():
            offered = [item.get("cipher") for item in scan.findall("cipher") if item.get("sslversion") == version]
            self.assertEqual(offered, suites)
        self.assertEqual({item.get("vulnerable") for item in scan.findall("heartbleed")} - {"0"}, set())
        certificate = scan.find("certificates/certificate")
        self.assertEqual(certificate.find("signature-algorithm").text, "ecdsa-with-SHA256")
        self.assertIn(f"DNS:*.vault.{self.world.domain}", certificate.find("altnames").text)
        self.assertEqual(certificate.find("self-signed").text, "false")

    def test_every_answer__carries_the_security_headers(self):
        for url in (self.world.vault_url("contoso", "/"), self.world.vault_url("contoso", "/keys"),
                    self.world.login_url("/healthz"), self.world.management_url("/subscriptions"),
                    self.world.login_url("/nothing")):
            with self.subTest(url):
                answer = self.world.request("GET", url)
                self.assertIn("max-age=31536000", answer.headers["Strict-Transport-Security"])
                self.assertEqual(answer.headers["X-Content-Type-Options"], "nosniff")
                self.assertIn("no-cache", answer.headers["Cache-Control"])
                self.assertNotIn("Server", answer.headers)


if __name__ == "__main__":
    unittest.main()
