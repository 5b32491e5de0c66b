"""What is expected of the base and of each overlay."""

import dataclasses

POD_FIELDS = {"POD_IP": "status.podIP", "POD_NAME": "metadata.name", "POD_NAMESPACE": "metadata.namespace"}
# Of a node with fail-over, beside those.
NODE_FIELDS = {"FAILOVER_NODE": "metadata.name", "POD_UID": "metadata.uid", "POD_IPS": "status.podIPs"}
USERS = {
    "ALLOW_EMPTY_PASSWORD", "REDIS_MASTER_USER", "REDIS_MASTER_PASSWORD_FILE",
    "REDIS_PROBE_USER", "REDIS_PROBE_PASSWORD_FILE", "SIDECAR_MAX_LAG_SECONDS",
}
SELECTORS = {
    "redis-master": {"app": "redis", "role": "master"},
    "redis-master-nodes": {"app": "redis", "role": "master"},
    "redis-slave": {"app": "redis", "role": "slave"},
    "redis-slave-nodes": {"app": "redis", "role": "slave"},
    "key-value-app": {"app": "key-value-app"},
    "node-hostname": {"app": "node-hostname"},
}
# What each file of k8s/ holds. A new file or object is written down here too.
CONTENTS = {
    "redis-master-pvc.yaml": ["PersistentVolumeClaim/redis-master-data"],
    "redis-master-svc.yaml": ["Service/redis-master", "Service/redis-master-nodes"],
    "redis-master-deploy.yaml": ["Deployment/redis-master"],
    "redis-slave-svc.yaml": ["Service/redis-slave", "Service/redis-slave-nodes"],
    "redis-slave-deploy.yaml": ["Deployment/redis-slave"],
    "key-value-app-svc.yaml": ["Service/key-value-app"],
    "key-value-app-deploy.yaml": ["Deployment/key-value-app"],
    "node-hostname.yaml": ["Deployment/node-hostname", "Service/node-hostname"],
}


@dataclasses.dataclass
class Place:
    """The base's own expectations, unless an overlay says otherwise."""

    name: str
    # Service, Deployment or StatefulSet → what it selects.
    selectors: dict = dataclasses.field(default_factory=lambda: dict(SELECTORS))
    # Deployment or StatefulSet → its service account, where it has one. All others get no token.
    accounts: dict = dataclasses.field(default_factory=dict)
    # Deployment or StatefulSet → its variables, where they are others than the base's.
    environment: dict = dataclasses.field(default_factory=dict)
    # Deployment or StatefulSet → how many; None: a HorizontalPodAutoscaler counts.
    replicas: dict = dataclasses.field(
        default_factory=lambda: {"redis-master": 1, "redis-slave": 2, "key-value-app": 3, "node-hostname": 1})
    # name: (type, headless, port, port of the container)
    services: dict = dataclasses.field(
        default_factory=lambda: {
            "redis-master": ("ClusterIP", False, 6379, 6379),
            "redis-master-nodes": ("ClusterIP", True, 6379, 6379),
            "redis-slave": ("ClusterIP", False, 6379, 6379),
            "redis-slave-nodes": ("ClusterIP", True, 6379, 6379),
            "key-value-app": ("NodePort", False, 80, 8080),
            "node-hostname": ("LoadBalancer", False, 8080, 8080),
        })
    node_port: int | None = 30003
    # Deployment → whether its sidecar judges the pod's readiness.
    sidecars: dict = dataclasses.field(default_factory=lambda: {"redis-slave": True})
    images: str = "redis-replica-kit/"
    pull_policy: str = "IfNotPresent"
    storage_class: str | None = None
    # What the redis pods mount.
    mounts: frozenset = frozenset({"/data", "/run/redis", "/tmp"})
    # Further variables of the Deployments.
    variables: dict = dataclasses.field(default_factory=dict)
    # Whether nodes may be lost, drained and listened to.
    is_guarded: bool = False
    budgets: frozenset = frozenset()
    # Who may open which port of whom: all allowed connections; None means all clients.
    connections: frozenset = frozenset()
    generated: dict = dataclasses.field(default_factory=dict)


BASE = Place("k8s")
KIND = Place("overlays/kind", pull_policy="Never", storage_class="standard")
PRODUCTION = Place(
    "overlays/production",
    replicas={"redis-master": 1, "redis-slave": 3, "key-value-app": None},
    services={
        "redis-master": ("ClusterIP", False, 6379, 6379),
        "redis-master-nodes": ("ClusterIP", True, 6379, 6379),
        "redis-slave": ("ClusterIP", False, 6379, 6379),
        "redis-slave-nodes": ("ClusterIP", True, 6379, 6379),
        "key-value-app": ("ClusterIP", False, 80, 8080),
    },
    node_port=None,
    sidecars={"redis-slave": True, "redis-master": False},
    # A name that resolves to nothing: without a registry set, no image of a stranger is pulled.
    images="registry.example/redis-replica-kit/",
    mounts=BASE.mounts | {"/etc/redis", "/run/secrets/redis"},
    variables={
        "redis-master": USERS,
        "redis-slave": USERS,
        "key-value-app": {
            "REDIS_USER", "REDIS_PASSWORD_FILE", "API_TOKEN_FILE", "EVENT_LOOPS",
            "DRAIN_DELAY_SECONDS", "DRAIN_TIMEOUT_SECONDS",
        },
    },
    is_guarded=True,
    budgets=frozenset({"key-value-app", "redis-slave"}),
    connections=frozenset({
        ("key-value-app", "redis-master", 6379),
        ("key-value-app", "redis-slave", 6379),
        ("redis-slave", "redis-master", 6379),
        ("redis-master", "redis-slave", 6379),
        # One that was promoted, and one that came back.
        ("redis-master", "redis-master", 6379),
        (None, "key-value-app", 8080),
        ("namespace monitoring", "redis-master", 9121),
        ("namespace monitoring", "redis-slave", 9121),
    }),
    generated={
        "Secret/redis-users": {"users.acl", "replication-password", "sidecar-password"},
        "Secret/key-value-app": {"app-password", "api-token"},
    },
)
NODE = {"app": "redis", "role": "node"}
HA = Place(
    "overlays/ha",
    replicas={"redis": 3, "key-value-app": 3, "node-hostname": 1},
    services={
        "redis-master": ("ClusterIP", False, 6379, 6379),
        "redis-slave": ("ClusterIP", False, 6379, 6379),
        "redis-slave-nodes": ("ClusterIP", True, 6379, 6379),
        "key-value-app": ("NodePort", False, 80, 8080),
        "node-hostname": ("LoadBalancer", False, 8080, 8080),
    },
    selectors={
        "redis": NODE,
        # The leader writes its addresses.
        "redis-master": {},
        "redis-slave": NODE,
        "redis-slave-nodes": NODE,
        "key-value-app": {"app": "key-value-app"},
        "node-hostname": {"app": "node-hostname"},
    },
    accounts={"redis": "redis"},
    sidecars={},
    environment={
        "redis": {
            "FAILOVER_NODES", "FAILOVER_STORE", "FAILOVER_LEASE_NAME", "FAILOVER_SERVICE", "FAILOVER_LEASE_SECONDS",
            "SUPERVISE_STOP_SECONDS", *POD_FIELDS, *NODE_FIELDS,
        },
        "key-value-app": {"REDIS_NODES", "POD_IP"},
    },
    budgets=frozenset({"redis"}),
)
OVERLAYS = {"kind": KIND, "production": PRODUCTION, "ha": HA}
