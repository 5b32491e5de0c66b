# shellcheck shell=bash
# How large the images may be, for the scripts that build them.

# Says an image's size, or that it is too large. What is measured: for redis-slave what it adds to its base.
check_image_size() {
    local name=$1 bytes=$2 most=25000000 what=has
    if [ "$name" = redis-slave ]; then most=8000000 what='adds to its base'; fi
    if [ "$bytes" -gt "$most" ]; then
        printf 'FAIL  the image %s %s %s bytes, more than %s: look for what was linked into its program\n' \
            "$name" "$what" "$bytes" "$most" >&2
        return 1
    fi
    printf 'ok    the image %s %s %s bytes, of %s at the most\n' "$name" "$what" "$bytes" "$most"
}
