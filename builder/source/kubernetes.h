/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What a tree gets with Kubernetes: released files, and the unit of kubelet where no package brings it.
 */
#include "builder/cache/cache.h"
#include "builder/lock/lock.h"
#include "builder/recipe/recipe.h"
#include "lib/error.h"

/* Installs the recipe's released files (kubernetes.binaries, also those of components) from the cache. */
int kubernetes_install_binaries(const struct recipe *recipe, struct cache *cache, int rootfd, struct error *err)
	MUST_CHECK;
/* Adds the absolute paths of what kubernetes_install_binaries() and kubernetes_install_units() install. */
int kubernetes_binaries_paths(const struct recipe *recipe, struct cache *cache, struct strings *ret, struct error *err)
	MUST_CHECK;
void kubernetes_units_paths(struct strings *ret);
/* Installs the files of the kubelet and kubeadm packages that are no programs: the unit, kubeadm's drop-in for it, and
 * directories. Existing files stay. */
int kubernetes_install_units(int rootfd, struct error *err) MUST_CHECK;
/* The pause image that this version uses, as reported by the tree's own kubeadm. *ret is owned by the caller. */
int kubernetes_pause_image(const char *root, const char *version, char **ret, struct error *err) MUST_CHECK;
