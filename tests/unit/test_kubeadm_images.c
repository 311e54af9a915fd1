/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/source/kubeadm_images.h"
#include "tests/unit/check.h"

TEST(kubeadm_images_find_whole_name)
{
	char output[] = "k8s.gcr.io/kube-proxy:v1.20.2\nk8s.gcr.io/pause:3.2\n\nk8s.gcr.io/etcd:3.4.13-0\n"
			"registry.k8s.io/coredns/coredns:v1.14.6\n";
	CLEANUP(strings_done) struct strings list = { 0 };

	kubeadm_images_parse(output, &list);
	CHECK(list.n == 4);
	CHECK_STR(kubeadm_images_find(&list, "pause"), "k8s.gcr.io/pause:3.2");
	CHECK_STR(kubeadm_images_find(&list, "etcd"), "k8s.gcr.io/etcd:3.4.13-0");
	CHECK_STR(kubeadm_images_find(&list, "coredns"), "registry.k8s.io/coredns/coredns:v1.14.6");
	CHECK(kubeadm_images_find(&list, "proxy") == NULL);
	CHECK(kubeadm_images_find(&list, "cloud-controller-manager") == NULL);
	kubeadm_images_parse(NULL, &list);
	CHECK(list.n == 4);
}
