"""rbmqs/sampling"""
