"""Speed and memory of both servers, as ratios against a fixed reference; ``make bench``, never a test."""
