"""Manifests that are broken on purpose: a rule that notices nothing any more fails the run.

(the check that must notice, the object to break, the path to the value, what to put there; None removes it)
"""

import copy
import re

from . import nodes, objects, operations, pods
from .model import name_of

POD = "spec.template.spec"
CONTAINER = f"{POD}.containers.0"
SIDECAR = f"{POD}.initContainers.0"
BASE = [
    (objects.files_hold_what_is_written_down, "Service/redis-slave-nodes", "metadata.name", "redis-slaves"),
    (objects.objects_match_the_schemas, "Deployment/redis-master", "spec.replica", 1),
    (objects.objects_match_the_schemas, "Deployment/redis-slave", f"{CONTAINER}.ports.0.containerPort", "6379"),
    (objects.objects_match_the_schemas, "Deployment/redis-slave", f"{SIDECAR}.restartPolicy", True),
    (objects.objects_match_the_schemas, "Deployment/redis-slave", "kind", "Deploiment"),
    (pods.containers_name_a_pinned_image_of_ours, "Deployment/redis-slave", f"{CONTAINER}.image", "redis:7.4"),
    (pods.containers_name_a_pinned_image_of_ours, "Deployment/redis-slave", f"{CONTAINER}.image",
     "redis-replica-kit/redis-slave:latest"),
    (pods.containers_name_a_pinned_image_of_ours, "Deployment/redis-slave", f"{SIDECAR}.image",
     "redis-replica-kit/redis-replica-sidecar:0.1"),
    (pods.containers_name_a_pinned_image_of_ours, "Deployment/key-value-app", f"{CONTAINER}.imagePullPolicy", None),
    (pods.containers_have_requests_limits_and_probes,
     "Deployment/redis-slave", f"{CONTAINER}.resources.limits.cpu", None),
    (pods.containers_have_requests_limits_and_probes, "Deployment/redis-slave", f"{CONTAINER}.livenessProbe", None),
    (pods.containers_have_requests_limits_and_probes, "Deployment/redis-master", f"{CONTAINER}.readinessProbe", None),
    (pods.containers_have_requests_limits_and_probes, "Deployment/redis-slave", f"{SIDECAR}.readinessProbe", None),
    (pods.containers_have_requests_limits_and_probes,
     "Deployment/redis-slave", f"{SIDECAR}.resources.limits.memory", None),
    (pods.containers_have_requests_limits_and_probes, "Deployment/redis-slave", f"{CONTAINER}.readinessProbe",
     {"exec": {"command": ["redis-replica-init", "probe", "ready"]}}),
    (pods.sidecars_start_first_and_know_what_the_server_knows,
     "Deployment/redis-slave", f"{SIDECAR}.restartPolicy", None),
    (pods.sidecars_start_first_and_know_what_the_server_knows, "Deployment/redis-slave", f"{POD}.initContainers", []),
    (pods.sidecars_start_first_and_know_what_the_server_knows,
     "Deployment/redis-slave", f"{SIDECAR}.env.1.value", "other"),
    (pods.sidecars_start_first_and_know_what_the_server_knows, "Deployment/redis-slave",
     f"{SIDECAR}.volumeMounts.0.mountPath", "/run"),
    (pods.sidecars_start_first_and_know_what_the_server_knows, "Deployment/redis-slave",
     f"{SIDECAR}.startupProbe.httpGet.path", "/readyz"),
    (pods.pods_are_restricted, "Deployment/node-hostname", f"{POD}.securityContext.runAsUser", 0),
    (pods.pods_are_restricted, "Deployment/node-hostname", f"{CONTAINER}.securityContext.readOnlyRootFilesystem", None),
    (pods.pods_are_restricted, "Deployment/redis-slave", f"{POD}.enableServiceLinks", None),
    (pods.pods_are_restricted, "Deployment/redis-slave", f"{SIDECAR}.securityContext.capabilities", None),
    (objects.services_select_exactly_their_pods, "Service/redis-slave", "spec.selector.role", None),
    (objects.services_select_exactly_their_pods,
     "Deployment/redis-slave", "spec.template.metadata.labels.role", "replica"),
    (objects.labels_are_the_recommended_ones, "Deployment/redis-slave",
     ["spec", "template", "metadata", "labels", "app.kubernetes.io/part-of"], None),
    (objects.ports_lead_to_the_containers, "Service/key-value-app", "spec.ports.0.targetPort", "web"),
    (objects.ports_lead_to_the_containers, "Service/key-value-app", "spec.ports.0.nodePort", 30004),
    (objects.ports_lead_to_the_containers, "Service/redis-slave-nodes", "spec.publishNotReadyAddresses", None),
    (objects.ports_lead_to_the_containers, "Service/redis-master-nodes", "spec.publishNotReadyAddresses", None),
    (objects.ports_lead_to_the_containers, "Service/redis-master-nodes", "spec.clusterIP", None),
    (objects.services_select_exactly_their_pods, "Service/redis-master-nodes", "spec.selector.role", "slave"),
    (objects.ports_lead_to_the_containers,
     "Deployment/key-value-app", f"{CONTAINER}.readinessProbe.httpGet.port", "web"),
    (objects.ports_lead_to_the_containers, "Deployment/redis-slave", f"{SIDECAR}.ports.0.containerPort", 8080),
    (objects.volumes_are_there_and_used,
     "Deployment/redis-master", f"{POD}.volumes.0.persistentVolumeClaim.claimName", "data"),
    (objects.volumes_are_there_and_used, "Deployment/redis-slave", f"{CONTAINER}.volumeMounts.1.mountPath", "/run"),
    (objects.the_master_keeps_its_data, "Deployment/redis-master", "spec.strategy", None),
    (objects.the_master_keeps_its_data, "Deployment/redis-master", f"{CONTAINER}.args", None),
    (objects.deployments_have_their_size, "Deployment/redis-master", "spec.replicas", 2),
    (objects.the_environment_fits, "Deployment/redis-slave", f"{CONTAINER}.env.0.value", "master"),
    (objects.the_environment_fits, "Deployment/redis-slave", f"{CONTAINER}.env.1.value", "redis-primary"),
    (objects.the_environment_fits, "Deployment/key-value-app", f"{CONTAINER}.env.2.value", "redis-masters"),
    (objects.objects_stay_in_their_namespace, "Service/redis-master", "metadata.namespace", "default"),
    (objects.objects_stay_in_their_namespace, "PersistentVolumeClaim/redis-master-data", "kind", "PersistentVolume"),
    (objects.deployments_have_their_size, "Deployment/redis-slave", "spec.revisionHistoryLimit", None),
    (objects.volumes_are_there_and_used, "Deployment/redis-master", f"{POD}.securityContext.fsGroup", None),
    (pods.pods_are_restricted, "Deployment/redis-slave", f"{POD}.volumes.2",
     {"name": "tmp", "hostPath": {"path": "/tmp"}}),
    (pods.pods_are_restricted, "Deployment/redis-slave", f"{CONTAINER}.securityContext.runAsUser", 0),
    (pods.pods_are_restricted, "Deployment/redis-slave", f"{CONTAINER}.ports.0.hostPort", 6379),
    (pods.a_program_that_hangs_is_not_waited_for, "Deployment/redis-master",
     f"{CONTAINER}.livenessProbe.terminationGracePeriodSeconds", None),
    (pods.a_program_that_hangs_is_not_waited_for, "Deployment/redis-slave",
     f"{SIDECAR}.startupProbe.terminationGracePeriodSeconds", 60),
    (pods.the_master_may_ask_its_replicas, "Deployment/redis-master", f"{CONTAINER}.startupProbe.failureThreshold", 60),
    (pods.pods_end_in_time, "Deployment/key-value-app", f"{POD}.terminationGracePeriodSeconds", 25),
    (pods.pods_are_spread_over_nodes, "Deployment/redis-slave", f"{POD}.topologySpreadConstraints", None),
    (pods.pods_are_spread_over_nodes, "Deployment/redis-slave",
     f"{POD}.topologySpreadConstraints.0.labelSelector.matchLabels.role", "master"),
    (operations.an_autoscaler_counts_alone, "Deployment/key-value-app", "spec.replicas", None),
    (operations.secrets_come_as_files, "Deployment/key-value-app", f"{CONTAINER}.env.0.name", "REDIS_PASSWORD"),
    (operations.secrets_come_as_files, "Deployment/key-value-app", f"{CONTAINER}.envFrom",
     [{"secretRef": {"name": "s"}}]),
]
KIND = [
    (pods.containers_name_a_pinned_image_of_ours, "Deployment/redis-slave", f"{SIDECAR}.imagePullPolicy",
     "IfNotPresent"),
    (objects.volumes_are_there_and_used, "PersistentVolumeClaim/redis-master-data", "spec.storageClassName", None),
]
AUTOSCALER = "HorizontalPodAutoscaler/key-value-app"
POLICY = "NetworkPolicy/redis-master"
PRODUCTION = [
    (pods.containers_name_a_pinned_image_of_ours, "Deployment/redis-master", f"{SIDECAR}.image",
     "redis-replica-kit/redis-replica-sidecar:0.1.0"),
    (pods.containers_have_requests_limits_and_probes, "Deployment/redis-master", f"{SIDECAR}.resources.limits.cpu",
     None),
    (pods.sidecars_start_first_and_know_what_the_server_knows, "Deployment/redis-master", f"{POD}.initContainers", []),
    (pods.sidecars_start_first_and_know_what_the_server_knows, "Deployment/redis-master",
     f"{SIDECAR}.readinessProbe", {"httpGet": {"path": "/readyz", "port": "metrics"}}),
    (pods.sidecars_start_first_and_know_what_the_server_knows, "Deployment/redis-slave", f"{SIDECAR}.envFrom", None),
    (pods.sidecars_start_first_and_know_what_the_server_knows, "Deployment/redis-slave",
     f"{SIDECAR}.volumeMounts.0.mountPath", "/etc/valkey"),
    (pods.pods_are_restricted, "Deployment/redis-master", f"{SIDECAR}.securityContext.allowPrivilegeEscalation", None),
    (pods.pods_end_in_time, "Deployment/key-value-app", f"{POD}.terminationGracePeriodSeconds", 40),
    (pods.pods_end_in_time, "Deployment/redis-slave", f"{CONTAINER}.lifecycle.preStop", {"sleep": {"seconds": 5}}),
    (pods.pods_end_in_time, "Deployment/redis-slave", f"{CONTAINER}.lifecycle.preStop.exec.command.1", "50"),
    (pods.pods_are_spread_over_nodes, "Deployment/key-value-app",
     f"{POD}.topologySpreadConstraints.0.whenUnsatisfiable", "ScheduleAnyway"),
    (pods.pods_are_spread_over_nodes, "Deployment/redis-slave",
     f"{POD}.topologySpreadConstraints.0.nodeTaintsPolicy", None),
    (objects.objects_match_the_schemas, AUTOSCALER, "spec.scaleTargetReference", {}),
    (objects.objects_match_the_schemas, POLICY, "spec.policyTypes", "Ingress"),
    (objects.ports_lead_to_the_containers, "Service/key-value-app", "spec.type", "NodePort"),
    (objects.the_environment_fits, "ConfigMap/redis", "data.REDIS_PROBE_USER", None),
    (operations.an_autoscaler_counts_alone, "Deployment/key-value-app", "spec.replicas", 3),
    (operations.an_autoscaler_counts_alone, AUTOSCALER, "spec.scaleTargetRef.name", "app"),
    (operations.an_autoscaler_counts_alone, AUTOSCALER, "spec.minReplicas", 1),
    (operations.an_autoscaler_counts_alone, "Deployment/key-value-app", f"{CONTAINER}.resources.requests.cpu", None),
    (operations.budgets_let_a_node_be_drained, "PodDisruptionBudget/redis-slave",
     "spec.selector.matchLabels.role", "replica"),
    (operations.budgets_let_a_node_be_drained, "PodDisruptionBudget/redis-slave",
     "spec.selector.matchLabels.role", "master"),
    (operations.budgets_let_a_node_be_drained, "PodDisruptionBudget/redis-slave", "spec.maxUnavailable", 0),
    (operations.budgets_let_a_node_be_drained, "PodDisruptionBudget/key-value-app",
     "spec.unhealthyPodEvictionPolicy", None),
    (operations.policies_say_who_may_speak_to_whom, POLICY, "spec.podSelector", {}),
    (operations.policies_say_who_may_speak_to_whom, POLICY, "spec.podSelector.matchLabels.role", "primary"),
    (operations.policies_say_who_may_speak_to_whom, POLICY, "spec.ingress.0.from", None),
    (operations.policies_say_who_may_speak_to_whom, POLICY, "spec.ingress.0.ports", None),
    (operations.policies_say_who_may_speak_to_whom, POLICY, "spec.ingress.0.ports.0.port", "redis"),
    (operations.policies_say_who_may_speak_to_whom, POLICY, "spec.ingress.0.ports.0.port", 6380),
    (operations.policies_say_who_may_speak_to_whom, POLICY, "spec.ingress.0.from.0.podSelector.matchLabels.app", "web"),
    (operations.policies_say_who_may_speak_to_whom, POLICY, "spec.egress", []),
    (operations.policies_say_who_may_speak_to_whom, "NetworkPolicy/redis-slave",
     "spec.egress.0.to.0.podSelector.matchLabels.role", "slave"),
    (operations.policies_say_who_may_speak_to_whom, "NetworkPolicy/redis-metrics",
     "spec.ingress.0.from.0.namespaceSelector", {}),
    (operations.policies_say_who_may_speak_to_whom, "NetworkPolicy/redis-replica-kit-names", "spec.egress", []),
    (operations.secrets_come_as_files, "ConfigMap/key-value-app", "data.REDIS_PASSWORD_FILE", "/run/secrets/password"),
    (operations.secrets_come_as_files, "ConfigMap/key-value-app", "data.API_TOKEN", "0123456789abcdef"),
    (operations.secrets_come_as_files, "Deployment/key-value-app", f"{CONTAINER}.volumeMounts.0.subPath",
     "app-password"),
    (operations.secrets_come_as_files, "Deployment/key-value-app", f"{POD}.volumes.0.secret.defaultMode", None),
    (operations.secrets_come_as_files, "Secret/key-value-app", "data.admin-password", "AAAA"),
    (operations.configuration_is_there_and_used, "ConfigMap/key-value-app", "metadata.name", "key-value-app"),
    (operations.configuration_is_there_and_used, "Deployment/redis-slave", f"{CONTAINER}.envFrom.0.configMapRef.name",
     "r"),
    # user app on >secret ~* +@all
    (operations.users_may_do_what_they_do, "Secret/redis-users", ["data", "users.acl"],
     "dXNlciBhcHAgb24gPnNlY3JldCB+KiArQGFsbAo="),
]
NODES = "StatefulSet/redis"
HA = [
    (objects.objects_match_the_schemas, NODES, "spec.podManagementPolicy", 3),
    (objects.objects_match_the_schemas, "Role/redis", "rules.0.verb", ["get"]),
    (objects.services_select_exactly_their_pods, NODES, "spec.template.metadata.labels.role", "slave"),
    (objects.services_select_exactly_their_pods, "Service/redis-master", "spec.selector", {"app": "redis"}),
    (objects.services_select_exactly_their_pods, "Service/redis-slave", "spec.selector.role", "slave"),
    (objects.volumes_are_there_and_used, NODES, "spec.volumeClaimTemplates", []),
    (objects.volumes_are_there_and_used, NODES, "spec.volumeClaimTemplates.0.spec.storageClassName", "fast"),
    (objects.the_environment_fits, NODES, f"{CONTAINER}.env.0.valueFrom.fieldRef.fieldPath", "metadata.uid"),
    (objects.the_environment_fits, "Deployment/key-value-app", f"{CONTAINER}.env.0.name", "REDIS_NODE"),
    (pods.pods_are_restricted, NODES, f"{POD}.automountServiceAccountToken", False),
    (pods.pods_are_restricted, NODES, f"{POD}.serviceAccountName", None),
    (pods.pods_are_restricted, "Deployment/key-value-app", f"{POD}.automountServiceAccountToken", True),
    (pods.pods_are_restricted, NODES, f"{CONTAINER}.securityContext.capabilities", None),
    (pods.pods_are_spread_over_nodes, NODES, f"{POD}.topologySpreadConstraints", None),
    (operations.budgets_let_a_node_be_drained, "PodDisruptionBudget/redis", "spec.unhealthyPodEvictionPolicy",
     "AlwaysAllow"),
    (operations.budgets_let_a_node_be_drained, "PodDisruptionBudget/redis", "spec.maxUnavailable", 2),
    (nodes.nodes_and_their_names_fit, NODES, f"{CONTAINER}.env.1.value", "redis-0=redis-0.redis-slave-nodes:6379"),
    (nodes.nodes_and_their_names_fit, NODES, "spec.replicas", 5),
    (nodes.nodes_and_their_names_fit, NODES, "spec.serviceName", "redis-slave"),
    (nodes.nodes_and_their_names_fit, NODES, f"{CONTAINER}.env.2.value", "etcd"),
    (nodes.nodes_and_their_names_fit, NODES, f"{CONTAINER}.env.4.value", "redis-slave"),
    (nodes.nodes_and_their_names_fit, "Service/redis-master", "spec.ports.0.name", "tcp"),
    (nodes.nodes_and_their_names_fit, "Deployment/key-value-app", f"{CONTAINER}.env.0.value", "redis-master:6379"),
    (nodes.nodes_start_together_and_keep_their_data, NODES, "spec.podManagementPolicy", None),
    (nodes.nodes_start_together_and_keep_their_data, NODES, "spec.replicas", 2),
    (nodes.nodes_start_together_and_keep_their_data, NODES, f"{CONTAINER}.args", None),
    (nodes.nodes_start_together_and_keep_their_data, NODES, f"{CONTAINER}.command", ["redis-replica-init"]),
    (nodes.nodes_start_together_and_keep_their_data, NODES, "spec.volumeClaimTemplates", []),
    (nodes.nodes_start_together_and_keep_their_data, NODES, "spec.persistentVolumeClaimRetentionPolicy", None),
    (nodes.nodes_start_together_and_keep_their_data, NODES, f"{CONTAINER}.readinessProbe.httpGet.path", "/livez"),
    (nodes.nodes_end_in_time, NODES, f"{POD}.terminationGracePeriodSeconds", 50),
    (nodes.nodes_have_the_least_rights, "Role/redis", "rules.0.verbs", ["get", "update"]),
    (nodes.nodes_have_the_least_rights, "Role/redis", "rules.0.resourceNames", None),
    (nodes.nodes_have_the_least_rights, "Role/redis", "rules.4.verbs", ["*"]),
    (nodes.nodes_have_the_least_rights, "Role/redis", "rules.2.resourceNames", ["redis-master"]),
    (nodes.nodes_have_the_least_rights, "RoleBinding/redis", "subjects.0.name", "default"),
    (nodes.nodes_have_the_least_rights, "ServiceAccount/redis", "metadata.name", "nodes"),
]


def broken(manifests, target, path, value):
    """The manifests with one value changed. The hash in a generated name is left out of `target`."""
    manifests = copy.deepcopy(manifests)
    place = next(item for item in manifests.all() if _short_name(item) == target)
    steps = [int(step) if step.isdigit() else step for step in (path.split(".") if isinstance(path, str) else path)]
    for step in steps[:-1]:
        place = place[step]
    if value is None:
        del place[steps[-1]]
    else:
        place[steps[-1]] = value
    return manifests


def _short_name(item):
    return re.sub(r"-[a-z0-9]{10}$", "", name_of(item)) if item["kind"] == "ConfigMap" else name_of(item)
