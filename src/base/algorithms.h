#ifndef KQ_BASE_ALGORITHMS_H
#define KQ_BASE_ALGORITHMS_H

/* Numbers of key types and mechanisms. They travel in every format and message
 * and never change their meaning; new ones are added at the end. */

#define KQ_ESN_LEN 14u /* a module's electronic serial number, ABCD-0123-4567 */

enum kq_key_type {
    KQ_KEY_RSA = 1, /* bits says 2048, 3072, 4096 */
    KQ_KEY_EC_P256 = 2,
    KQ_KEY_EC_P384 = 3,
    KQ_KEY_EC_P521 = 4,
    KQ_KEY_EC_SECP256K1 = 5,
    KQ_KEY_AES = 6, /* bits says 128, 192, 256 */
    KQ_KEY_DSA = 7, /* KNSO of the DL suites only */
};

enum kq_mechanism {
    KQ_MECH_RSA_PKCS1_SHA256 = 1, /* input of a signature: the digest */
    KQ_MECH_RSA_PKCS1_SHA384 = 2,
    KQ_MECH_RSA_PKCS1_SHA512 = 3,
    KQ_MECH_RSA_PSS_SHA256 = 4, /* MGF1 with the same hash, salt as long as the hash */
    KQ_MECH_RSA_PSS_SHA384 = 5,
    KQ_MECH_RSA_PSS_SHA512 = 6,
    KQ_MECH_ECDSA = 7,         /* output r and s, each as long as the order (JOSE, P1363) */
    KQ_MECH_RSA_PKCS1_RAW = 8, /* PKCS #1 v1.5 signature padding over the input as it stands, no DigestInfo (RSNULL) */
    KQ_MECH_RSA_OAEP_SHA1 = 16,
    KQ_MECH_RSA_OAEP_SHA256 = 17,
    KQ_MECH_RSA_PKCS1 = 18, /* PKCS #1 v1.5 encryption; decrypts with implicit rejection: bad padding gives noise */
    KQ_MECH_AES_GCM = 32,   /* output nonce (12 bytes, made by the module), ciphertext, tag (16) */
};

#endif
