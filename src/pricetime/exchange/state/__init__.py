"""What a replay rebuilds: how commands become reports, in the streams of the owners and in the feed."""
