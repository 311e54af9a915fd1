/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The container images of components: each is one compiled program, on nothing or on the Debian layer (image_layer.h). All
 * are in one archive, cached as artifacts/KEY/ with the list of their references. The compiled kubeadm names them:
 *
 *	of Kubernetes, and of source `c` (pause)	as `kubeadm config images list` prints them
 *	of other components (etcd, CoreDNS)		the same repository, and the tag of the component's own version, in the
 *							form of kubeadm's tag: "3.7.0-0" gives "3.7.1-0", "v1.14.6" "v1.14.7"
 *	whose name has a '/'				NAME:vVERSION; kubeadm does not know them
 */
#include "builder/source/source.h"

/* Finds the archive in the cache or makes it, and adds it, its references and image tags to ret. Does nothing when no
 * component has an image. ret->programs is filled already. */
int component_images_make(const struct recipe *recipe, const struct lock *lock, struct cache *cache,
			  struct source_set *ret, struct error *err) MUST_CHECK;
/* The cache key: the programs and the layer. */
void component_images_key(const struct recipe *recipe, const struct lock *lock, const struct source_set *s,
			  char ret_hex[SHA256_HEX]);

/* Pure. The reference of an image of this version of its component; references: kubeadm's. NULL when kubeadm knows no such
 * image. Owned by the caller. */
char *component_images_reference(const struct component *c, const struct component_image *image, const char *version,
				 const struct strings *references) MUST_CHECK;
/* Pure: as kubeadm's tag, with another version. Owned by the caller. */
char *component_images_tag(const char *tag, const char *version) MUST_CHECK;
