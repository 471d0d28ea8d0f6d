// Most of these tests wait: for processes, for rests, for limits to pass. Four at a time leave two cores room to spare.
[assembly: CollectionBehavior(MaxParallelThreads = 4)]
