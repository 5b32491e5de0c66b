extension MetricsText {
    /// The families `process_…` of Prometheus's client libraries.
    public mutating func add(_ process: ProcessStatistics) {
        begin("process_cpu_seconds_total", .counter, "Processor time used, in user and system mode.")
        add(process.cpuSeconds)
        begin("process_resident_memory_bytes", .gauge, "Memory of the process that is resident.")
        add(process.residentBytes)
        begin("process_open_fds", .gauge, "Open file descriptors.")
        add(process.openDescriptors)
        begin("process_start_time_seconds", .gauge, "When the process started, in seconds since 1970.")
        add(process.startSeconds)
    }
}
