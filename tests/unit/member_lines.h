/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Tags and lines of the other members of cluster lab, without a proof.
 */
#include "tests/unit/fake_agent.h"

#define TAGS "k8s.cluster.lab;k8s.role.init;k8s.state.booting"
#define CLAIM(vmid, claim)                                                                                             \
	"nodekiln: {\"role\":\"init\",\"state\":\"booting\",\"cluster\":\"lab\",\"node\":\"n" #vmid                    \
	"\",\"claim\":\"" claim "\",\"vmid\":" #vmid "}"
#define NO_CLAIM(vmid)                                                                                                 \
	"nodekiln: {\"role\":\"init\",\"state\":\"booting\",\"cluster\":\"lab\",\"node\":\"n" #vmid                    \
	"\",\"vmid\":" #vmid "}"
#define PUBLISHED(vmid)                                                                                                \
	"nodekiln: {\"role\":\"init\",\"state\":\"ready\",\"cluster\":\"lab\",\"node\":\"n" #vmid                      \
	"\",\"endpoint\":\"10.0.0.9:6443\",\"vmid\":" #vmid ",\"ca\":[\"" HASH "\"]}"
