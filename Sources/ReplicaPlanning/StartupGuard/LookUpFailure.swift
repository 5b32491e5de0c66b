/// Words for a look-up that the resolver itself could not make.
public enum LookUpFailure {
    /// EAI_SYSTEM: a static program loads no plugin that `/etc/nsswitch.conf` may ask for.
    public static func ofSystem(reason: String) -> String {
        "the resolver itself failed (\(reason)): /etc/nsswitch.conf may name sources that this static program has not; "
            + "mount one with the line 'hosts: files dns'"
    }
}
