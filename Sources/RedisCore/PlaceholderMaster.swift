/// What redis-replica-init answers at a master's address while it restores the master's data from its replicas.
public enum PlaceholderMaster {
    /// How its error begins, unlike any server's. So the sidecar can distinguish a restore from a manual override.
    public static let loading = "LOADING redis-replica-init "
}
