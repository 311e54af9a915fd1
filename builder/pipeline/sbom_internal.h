/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Shared by sbom.c, sbom_components.c and provenance.c.
 */
#include "builder/pipeline/manifest.h"
#include "lib/json.h"
#include "lib/text.h"

/* The document under construction. */
struct sbom {
	struct json *packages, *relationships; /* owned until they are put into the document */
	struct strings seen;                   /* ids of packages already added: artifacts share packages */
};

void sbom_relate(struct sbom *s, const char *from, const char *how, const char *to);
/* "SPDXRef-KIND-NAME-VERSION"; version may be NULL. Owned by the caller. */
char *sbom_id(const char *kind, const char *name, const char *version) MUST_CHECK;
/* Percent-encoding of package URLs (purl). */
void sbom_add_encoded(struct text *t, const char *s);
/* "pkg:deb/debian/NAME@VERSION?arch=ARCH&distro=SUITE"; owned by the caller. */
char *sbom_deb_purl(const struct recipe *recipe, const char *name, const char *version, const char *architecture)
	MUST_CHECK;
/* "pkg:golang/PATH@VERSION"; version: with its "v", and without for the standard library, as scanners have it. Owned by the caller. */
char *sbom_module_purl(const char *path, const char *version) MUST_CHECK;
struct json *sbom_reference(const char *category, const char *type, const char *locator) MUST_CHECK;
/* Returns NULL if the document has a package of that id already. The document owns the result. */
struct json *sbom_package(struct sbom *s, const char *id, const char *name, const char *version, const char *url,
			  const char *purpose);

/* sbom_components.c: what was compiled for an artifact from Go modules, or from C files of ours. */
void sbom_add_components(struct sbom *s, const struct manifest *m, const char *artifact);
