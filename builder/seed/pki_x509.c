/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/seed/pki_x509.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "lib/alloc.h"
#include "lib/ec_key.h"
#include "lib/x509_openssl.h"

#define CURVE "P-256"
#define SERIAL_BYTES 16 /* RFC 5280 allows 20; random, so that no number is used twice */

static void number_free_p(BIGNUM **number)
{
	BN_clear_free(*number);
}

static int failed(const char *what, struct error *err)
{
	char reason[160] = "libcrypto gives no reason";
	unsigned long code = ERR_get_error();

	if (code)
		ERR_error_string_n(code, reason, sizeof reason);
	ERR_clear_error();
	return error_set(err, ERROR_FAILED, "make %s: %s", what, reason);
}

/* ---- keys ---- */

static char *text_of(BIO *bio)
{
	char *data;
	long n = BIO_get_mem_data(bio, &data);

	return xstrndup(data, (size_t)n);
}

static char *hex_of(const EVP_PKEY *key)
{
	CLEANUP(number_free_p) BIGNUM *number = NULL;
	unsigned char bytes[EC_KEY_DIGITS / 2];
	char *hex = NULL;

	if (EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_PRIV_KEY, &number) == 1 &&
	    BN_bn2binpad(number, bytes, sizeof bytes) == (int)sizeof bytes) {
		hex = xcalloc(1, EC_KEY_DIGITS + 1);
		for (size_t i = 0; i < sizeof bytes; i++)
			snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
	}
	OPENSSL_cleanse(bytes, sizeof bytes);
	return hex;
}

static EVP_PKEY *key_of(const char *hex)
{
	CLEANUP(text_wipe_done) struct text pem = { 0 };

	ec_key_pem(hex, &pem);
	return x509_read_key(pem.data, pem.len);
}

static int export_key(const EVP_PKEY *key, char **ret_hex, char **ret_public, struct error *err)
{
	CLEANUP(x509_bio_free_p) BIO *bio = BIO_new(BIO_s_mem());
	CLEANUP(wipe_p) char *hex = hex_of(key);

	if (!hex || !bio || PEM_write_bio_PUBKEY(bio, (EVP_PKEY *)key) != 1)
		return failed("a key", err);
	*ret_hex = TAKE(hex);
	if (ret_public)
		*ret_public = text_of(bio);
	return 0;
}

int pki_x509_key(char **ret_hex, char **ret_public, struct error *err)
{
	CLEANUP(x509_key_free_p) EVP_PKEY *key = EVP_EC_gen(CURVE);

	return key ? export_key(key, ret_hex, ret_public, err) : failed("a key", err);
}

/* ---- certificates ---- */

static bool set_number(X509 *certificate)
{
	CLEANUP(number_free_p) BIGNUM *number = NULL;
	unsigned char bytes[SERIAL_BYTES];

	if (RAND_bytes(bytes, sizeof bytes) != 1)
		return false;
	bytes[0] &= 0x7f;
	number = BN_bin2bn(bytes, sizeof bytes, NULL);
	return number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
}

/* V_ASN1_UTF8STRING, not MBSTRING_UTF8: libcrypto would refuse a common name of more than 64 characters (RFC 5280), which names of nodes
 * may make, and which Kubernetes itself writes and reads. */
static bool add_word(X509_NAME *name, const char *field, const char *value)
{
	return !value ||
	       X509_NAME_add_entry_by_txt(name, field, V_ASN1_UTF8STRING, (const unsigned char *)value, -1, -1, 0) == 1;
}

static bool set_subject(X509 *certificate, const struct pki_x509_subject *s)
{
	X509_NAME *name = X509_get_subject_name(certificate);

	return X509_set_version(certificate, X509_VERSION_3) == 1 && set_number(certificate) &&
	       add_word(name, "O", s->organization) && add_word(name, "CN", s->name) &&
	       ASN1_TIME_set(X509_getm_notBefore(certificate), s->from) &&
	       ASN1_TIME_set(X509_getm_notAfter(certificate), s->until);
}

/* As kubeadm's own certificates have them. */
struct extension {
	int nid;
	const char *value;
};
static const struct extension of_authority[] = { { NID_basic_constraints, "critical,CA:TRUE" },
						 { NID_key_usage,
						   "critical,digitalSignature,keyEncipherment,keyCertSign" },
						 { NID_subject_key_identifier, "hash" } };
static const struct extension of_client[] = { { NID_basic_constraints, "critical,CA:FALSE" },
					      { NID_key_usage, "critical,digitalSignature,keyEncipherment" },
					      { NID_ext_key_usage, "clientAuth" },
					      { NID_authority_key_identifier, "keyid" } };

static bool add_extensions(X509 *certificate, X509 *issuer, const struct extension *e, size_t n)
{
	X509V3_CTX context;

	X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
	for (size_t i = 0; i < n; i++) {
		X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, e[i].nid, e[i].value);
		bool added = extension && X509_add_ext(certificate, extension, -1) == 1;
		X509_EXTENSION_free(extension);
		if (!added)
			return false;
	}
	return true;
}

static int sign(X509 *certificate, EVP_PKEY *key, char **ret, struct error *err)
{
	CLEANUP(x509_bio_free_p) BIO *bio = BIO_new(BIO_s_mem());

	if (!bio || X509_sign(certificate, key, EVP_sha256()) <= 0 || PEM_write_bio_X509(bio, certificate) != 1)
		return failed("a certificate", err);
	*ret = text_of(bio);
	return 0;
}

int pki_x509_authority(const struct pki_x509_subject *subject, const char *key_hex, char **ret, struct error *err)
{
	CLEANUP(x509_key_free_p) EVP_PKEY *key = key_of(key_hex);
	CLEANUP(x509_free_p) X509 *certificate = X509_new();

	if (!key || !certificate || !set_subject(certificate, subject) || X509_set_pubkey(certificate, key) != 1 ||
	    X509_set_issuer_name(certificate, X509_get_subject_name(certificate)) != 1 ||
	    !add_extensions(certificate, certificate, of_authority, ARRAY_SIZE(of_authority)))
		return failed("a certificate authority", err);
	return sign(certificate, key, ret, err);
}

int pki_x509_client(const struct pki_x509_subject *subject, const char *ca, const char *ca_key_hex, char **ret,
		    char **ret_key_hex, struct error *err)
{
	CLEANUP(x509_key_free_p) EVP_PKEY *key = EVP_EC_gen(CURVE), *ca_key = key_of(ca_key_hex);
	CLEANUP(x509_free_p) X509 *certificate = X509_new(), *issuer = x509_read(ca, ca ? strlen(ca) : 0);

	if (!issuer || !ca_key || X509_check_private_key(issuer, ca_key) != 1) {
		ERR_clear_error();
		return error_set(err, ERROR_INPUT,
				 "the cluster's CA and its key do not belong together; restore the file of secrets");
	}
	if (!key || !certificate || !set_subject(certificate, subject) || X509_set_pubkey(certificate, key) != 1 ||
	    X509_set_issuer_name(certificate, X509_get_subject_name(issuer)) != 1 ||
	    !add_extensions(certificate, issuer, of_client, ARRAY_SIZE(of_client)))
		return failed("a certificate", err);
	if (sign(certificate, ca_key, ret, err) < 0)
		return -1;
	return export_key(key, ret_key_hex, NULL, err);
}
