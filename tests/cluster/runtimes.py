# SPDX-License-Identifier: Apache-2.0
"""The container runtimes, as a test looks at them on a node. Not a test itself: checks.py uses it."""



def pid_in_containerd(machine, pod):
    mine = f"'labels.\"io.kubernetes.pod.name\"=={pod}'"
    container = machine.ask(f"sudo -n ctr -n k8s.io containers ls -q {mine}").split()[0]
    return machine.ask(f"sudo -n ctr -n k8s.io tasks ls | grep ^{container}").split()[1]


def pid_in_docker(machine, pod):
    container = machine.ask(f"sudo -n docker ps -q --filter label=io.kubernetes.pod.name={pod}").split()[0]
    return machine.ask(f"sudo -n docker inspect --format '{{{{.State.Pid}}}}' {container}")


# By the name that a recipe and a Node's containerRuntimeVersion have: how to find a process of a pod.
PID = {"containerd": pid_in_containerd, "docker": pid_in_docker}
