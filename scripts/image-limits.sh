# shellcheck shell=bash
# How large the images may be, for the scripts that build them.

# Says an image's size, or that it is too large. What is measured: for redis-slave and redis-node what they add to their base.
check_image_size() {
    # The app: 25.0 MB.
    local name=$1 bytes=$2 most=25300000 what=has
    # 12.86 MB. To ask Sentinel who the master is takes 0.2 MB of it: threads, and what its answers mean.
    if [ "$name" = redis-slave ]; then most=12900000 what='adds to its base'; fi
    # It reads redis.conf by the entrypoint's own rules, so it has them too. The lease stores bring an HTTP client with TLS
    # and a JSON reader: 4.9 MB; the reader of rollback files 0.4 MB.
    if [ "$name" = redis-replica-sidecar ]; then most=33000000; fi
    # The entrypoint, and the agent with both lease stores.
    if [ "$name" = redis-node ]; then most=48000000 what='adds to its base'; fi
    if [ "$bytes" -gt "$most" ]; then
        printf 'FAIL  the image %s %s %s bytes, more than %s: look for what was linked into its program\n' \
            "$name" "$what" "$bytes" "$most" >&2
        return 1
    fi
    printf 'ok    the image %s %s %s bytes, of %s at the most\n' "$name" "$what" "$bytes" "$most"
}
