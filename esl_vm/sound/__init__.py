"""Sound as files and as numbers: WAV, resampling, levels, and files that outlive a crash."""
