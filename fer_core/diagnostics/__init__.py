"""What is told about a running FER Explorer: log lines for who keeps it, and a report for who describes a problem. Neither names a person or a file."""
